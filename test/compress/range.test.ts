import { expect, test } from "vitest";
import { mergeStatistics, type Statistics, StatisticsBuilder } from "../../src/compress/histogram.js";
import { codeOf, paramsOf, realOf } from "../../src/compress/params.js";
import { chooseParams, percentileRange, searchParams } from "../../src/compress/range.js";
import { createRandom } from "../../src/data/index.js";

function statisticsOf(data: ArrayLike<number>): Statistics {
  const builder = new StatisticsBuilder("v", 1);
  builder.add(Float32Array.from(data));
  return builder.finish();
}

function normals(count: number, seed = 1): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}

/** 20,000 ordinary numbers and one that is far out. */
const outlier = Float32Array.from([...normals(20_000), 50]);

function errorOf(data: Float32Array, params: ReturnType<typeof paramsOf>, f = (x: number) => x): number {
  return data.reduce((sum, x) => sum + (f(realOf(codeOf(x, params), params)) - f(x)) ** 2, 0);
}

test("percentile drops one in 10,000 on each side", () => {
  const data = Float32Array.from({ length: 20_000 }, (_, i) => i - 10_000);
  const { low, high } = percentileRange(statisticsOf(data), 99.99);
  // Two numbers on each side go; a bin is 2 wide.
  expect(Math.abs(low - -9998)).toBeLessThanOrEqual(2);
  expect(Math.abs(high - 9998)).toBeLessThanOrEqual(2);
  expect(percentileRange(statisticsOf(data), 100)).toEqual({ low: -10_000, high: 9999 });
});

test("percentile of few numbers is all of them", () => {
  expect(percentileRange(statisticsOf([1, 2, 3, -4]), 99.99)).toEqual({ low: -4, high: 3 });
  expect(percentileRange(statisticsOf([0, 0]), 99.99)).toEqual({ low: 0, high: 0 });
});

test("an outlier costs min-max precision, and the others not", () => {
  const statistics = statisticsOf(outlier);
  const minMax = chooseParams(statistics, { method: "min-max" });
  const percentile = chooseParams(statistics, { method: "percentile", percentile: 99.99 });
  const mse = chooseParams(statistics, { method: "mse" });
  expect(minMax.scale).toBeGreaterThan(50 / 127);
  expect(percentile.scale).toBeLessThan(0.1);
  expect(errorOf(outlier, mse)).toBeLessThanOrEqual(errorOf(outlier, percentile) * 1.01);
  expect(errorOf(outlier, mse)).toBeLessThanOrEqual(errorOf(outlier, minMax) * 1.01);
});

test("mse is near the best range of a fine grid", () => {
  const data = normals(5000, 3).map((x) => Math.exp(2 * x));
  const found = errorOf(
    data,
    searchParams(statisticsOf(data), (x) => x),
  );
  const max = Math.max(...data);
  const best = Math.min(
    ...Array.from({ length: 500 }, (_, i) =>
      errorOf(data, paramsOf({ low: 0, high: (max * (i + 1)) / 500 })),
    ),
  );
  expect(found).toBeLessThanOrEqual(best * 1.1);
});

test("the search weighs what a function makes of the numbers", () => {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const data = normals(5000, 4).map((x) => x * 20);
  const statistics = statisticsOf(data);
  const plain = searchParams(statistics, (x) => x);
  const weighed = searchParams(statistics, sigmoid);
  expect(weighed.scale).toBeLessThan(plain.scale / 2);
  expect(errorOf(data, weighed, sigmoid)).toBeLessThan(errorOf(data, plain, sigmoid) / 2);
});

test("values that are never negative keep zero point 0 in every way", () => {
  const statistics = statisticsOf(normals(1000).map((x) => Math.max(x, 0)));
  for (const choice of [
    { method: "min-max" },
    { method: "mse" },
    { method: "percentile", percentile: 99.99 },
  ] as const) {
    expect(chooseParams(statistics, choice).zero).toBe(0);
  }
});

test("entropy drops outliers, and takes all of what has none", () => {
  const statistics = statisticsOf(outlier);
  const entropy = chooseParams(statistics, { method: "entropy" });
  expect(realOf(127, entropy)).toBeLessThan(15);
  expect(errorOf(outlier.subarray(0, 20_000), entropy)).toBeLessThan(
    errorOf(outlier.subarray(0, 20_000), chooseParams(statistics, { method: "min-max" })),
  );
  const even = Float32Array.from({ length: 20_000 }, (_, i) => i / 10_000 - 1);
  const all = chooseParams(statisticsOf(even), { method: "entropy" });
  expect(realOf(127, all) - realOf(0, all)).toBeGreaterThan(1.9);
  expect(chooseParams(statisticsOf([0, 0, 0]), { method: "entropy" }).zero).toBe(0);
});

test("statistics of several values are those of all their numbers", () => {
  const [small, large] = [normals(3000, 2), normals(500, 3).map((x) => x * 40)];
  const merged = mergeStatistics([statisticsOf(small), statisticsOf(large)]);
  const whole = statisticsOf([...small, ...large]);
  expect(merged).toMatchObject({ count: whole.count, min: whole.min, max: whole.max, width: whole.width });
  expect(merged.histogram).toEqual(whole.histogram);
});

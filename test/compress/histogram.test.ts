import { expect, test } from "vitest";
import { filledBins, StatisticsBuilder } from "../../src/compress/histogram.js";
import { noise } from "../graph/helpers.js";

test("extremes, count and channel means are exact, also when the range grows", () => {
  const builder = new StatisticsBuilder("v", 2);
  builder.add(Float32Array.of(0.5, -0.25));
  builder.add(Float32Array.of(100, 3, -7, 0));
  const { count, min, max, mean, histogram, width } = builder.finish();
  expect({ count, min, max }).toEqual({ count: 6, min: -7, max: 100 });
  expect([...mean]).toEqual([(0.5 + 100 - 7) / 3, (-0.25 + 3) / 3]);
  expect(histogram.reduce((a, b) => a + b)).toBe(6);
  // The least power of two above 100, over half the bins.
  expect(width).toBe(128 / 8192);
});

test("each number is in the bin of its own, whatever came before it", () => {
  const small = noise(500, 1);
  const large = noise(500, 2).map((x) => x * 1000);
  const ways = [
    [small, large],
    [large, small],
  ].map((parts) => {
    const builder = new StatisticsBuilder("v", 1);
    for (const part of parts) builder.add(part);
    return builder.finish();
  });
  expect(ways[0].histogram).toEqual(ways[1].histogram);
  const { histogram, width } = ways[0];
  const expected = new Float64Array(histogram.length);
  for (const x of [...small, ...large]) expected[Math.floor(x / width) + histogram.length / 2] += 1;
  expect(histogram).toEqual(expected);
});

test("middles of bins stay within the extremes", () => {
  const builder = new StatisticsBuilder("v", 1);
  builder.add(Float32Array.of(0, 0, 0, 5));
  const { middles, counts } = filledBins(builder.finish());
  expect([...counts]).toEqual([3, 1]);
  expect(middles[0]).toBeGreaterThanOrEqual(0);
  expect(middles[1]).toBeLessThanOrEqual(5);
});

test("a value that is 0 throughout is a histogram of zeros", () => {
  const builder = new StatisticsBuilder("v", 4);
  builder.add(new Float32Array(8));
  expect(builder.finish()).toMatchObject({ count: 8, min: 0, max: 0 });
});

test.each([Number.NaN, Infinity, -Infinity])("%s is refused by the name of its value", (bad) => {
  const builder = new StatisticsBuilder("hidden", 1);
  expect(() => builder.add(Float32Array.of(1, bad))).toThrow(RangeError);
  expect(() => builder.add(Float32Array.of(1, bad))).toThrow(`finite numbers in value hidden, got ${bad}`);
  expect(() => builder.finish()).toThrow(/hidden had no numbers/);
});

test("extremes of f32 fit", () => {
  const builder = new StatisticsBuilder("v", 1);
  const large = Math.fround(3.4e38);
  builder.add(Float32Array.of(large, -large, 1e-45));
  expect(builder.finish()).toMatchObject({ count: 3, min: -large, max: large });
});

import { expect, test } from "vitest";
import * as plain from "../../bench/plain.js";
import { createRandom } from "../../src/data/index.js";

function normal(length: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length }, () => random.normal());
}

test("kthMagnitude is what sorting finds, ties and all", () => {
  for (const length of [1, 2, 3, 10, 257]) {
    // Rounded, so that many are equal.
    const w = normal(length, length).map((x) => Math.round(x * 4) / 4);
    const sorted = w.map(Math.abs).sort();
    for (let k = 0; k < length; k++) expect(plain.kthMagnitude(w, k)).toBe(sorted[k]);
  }
});

test("prune and pruneBits: the same weights and the same count, a weight equal to the threshold is kept", () => {
  const w = Float32Array.of(0.5, -0.5, 0.4999, -0.1, 0, 2, -3, 1e-40, ...normal(1000, 1));
  const [a, b] = [w.slice(), w.slice()];
  const count = plain.prune(a, 0.5);
  expect(plain.pruneBits(b, 0.5)).toBe(count);
  expect([...b]).toEqual([...a]);
  expect([...a.subarray(0, 8)]).toEqual([0.5, -0.5, 0, 0, 0, 2, -3, 0]);
  expect(count).toBe(w.filter((x) => x !== 0 && Math.abs(x) < 0.5).length);
});

test("pruneToSparsity: as many zeros as asked, the smallest ones, of equal ones the first", () => {
  const w = Float32Array.of(3, -1, 1, 0, 2, -1);
  expect(plain.pruneToSparsity(w, 0.5)).toBe(2);
  expect([...w]).toEqual([3, 0, 0, 0, 2, -1]);
  const random = normal(1000, 2);
  expect(plain.pruneToSparsity(random, 0.9)).toBe(900);
  expect(random.filter((x) => x === 0)).toHaveLength(900);
  const kept = random.filter((x) => x !== 0).map(Math.abs);
  expect(Math.min(...kept)).toBe(normal(1000, 2).map(Math.abs).sort()[900]);
  expect(plain.pruneToSparsity(random, 0)).toBe(0);
});

test("quantize: halves to even, floor downwards, saturated and NaN counted", () => {
  const w = Float32Array.of(
    0.5,
    1.5,
    2.5,
    -0.5,
    -1.5,
    -1.4,
    127.4,
    127.5,
    -200,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  );
  // What was there before is written over.
  const codes = (n: number) => new Int8Array(n).fill(9);
  expect(plain.quantizeHalfEven(w, 1, codes(w.length))).toEqual({
    codes: Int8Array.of(0, 2, 2, 0, -2, -1, 127, 127, -127, 0, 127),
    saturated: 3,
    nan: 1,
  });
  expect(plain.quantizeFloor(w.subarray(0, 6), 1, codes(6)).codes).toEqual(Int8Array.of(0, 1, 2, -1, -2, -2));
  const floored = plain.quantizeFloor(w, 1, codes(w.length));
  expect([floored.saturated, floored.nan]).toEqual([2, 1]);
  const columns = plain.quantizePerChannel(w, Float32Array.of(1), codes(w.length));
  expect(columns).toEqual(plain.quantizeHalfEven(w, 1, codes(w.length)));
  expect(
    plain.quantizePerChannel(Float32Array.of(1, 1, 3, 3), Float32Array.of(1, 2), codes(4)).codes,
  ).toEqual(Int8Array.of(1, 0, 3, 2));
});

test("multiply and requantize: by hand", () => {
  // [1 2] * [[1 2 3] [4 -5 6]]
  const sums = plain.multiply(Uint8Array.of(1, 2), Int8Array.of(1, 2, 3, 4, -5, 6), 1, 2, 3);
  expect([...sums]).toEqual([9, -8, 15]);
  expect([...plain.requantize(sums, Float32Array.of(0.5, 10, 10), 64)]).toEqual([68, 0, 127]);
});

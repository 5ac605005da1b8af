import fc from "fast-check";
import { expect, test } from "vitest";
import { codeOf, paramsOf, realOf, roundHalfEven } from "../../src/compress/params.js";
import { isNormalScale } from "../../src/graph/index.js";

test("any range gets a normal scale, an integer zero point, and is covered to its ends", () => {
  const end = fc.float({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(end, end, (a, b) => {
      const [low, high] = [Math.min(a, b, 0), Math.max(a, b, 0)];
      const params = paramsOf({ low, high });
      expect(isNormalScale(params.scale)).toBe(true);
      expect(params.scale).toBe(Math.fround(params.scale));
      expect(Number.isInteger(params.zero) && params.zero >= 0 && params.zero <= 127).toBe(true);
      expect(realOf(params.zero, params)).toBe(0);
      // Half a code of slack would be rounding; there is none, but for scales that f32 cannot hold.
      expect(realOf(127, params)).toBeGreaterThanOrEqual(Math.min(high, 3e38));
      expect(realOf(0, params)).toBeLessThanOrEqual(Math.max(low, -3e38));
    }),
  );
});

test("what is never negative has zero point 0, what is never positive 127", () => {
  expect(paramsOf({ low: 0, high: 12.7 })).toEqual({ scale: expect.closeTo(0.1, 6), zero: 0 });
  expect(paramsOf({ low: 3, high: 12.7 }).zero).toBe(0);
  expect(paramsOf({ low: -12.7, high: -1 })).toEqual({ scale: expect.closeTo(0.1, 6), zero: 127 });
  expect(paramsOf({ low: -1e-9, high: 1 })).toMatchObject({ zero: 1 });
});

test("the smaller of the two scales around a fractional zero point is taken", () => {
  for (const [low, high] of [
    [-1, 2],
    [-0.3, 0.9],
    [-5, 0.01],
  ]) {
    const { scale } = paramsOf({ low, high });
    const best = Math.min(
      ...Array.from({ length: 128 }, (_, zero) =>
        Math.max(zero === 0 ? Infinity : -low / zero, zero === 127 ? Infinity : high / (127 - zero)),
      ),
    );
    expect(scale).toBeCloseTo(best, 6);
  }
});

test("a range of 0 alone gets a sane scale", () => {
  expect(paramsOf({ low: 0, high: 0 })).toEqual({ scale: Math.fround(1 / 127), zero: 0 });
  expect(paramsOf({ low: -0, high: 0 }).zero).toBe(0);
});

test("codes round half to even and saturate", () => {
  const params = { scale: 1, zero: 60 };
  expect([-1000, -0.5, 0.5, 1.5, 2.4, 1000].map((x) => codeOf(x, params))).toEqual([0, 60, 60, 62, 62, 127]);
  expect([0.5, 1.5, -0.5, -1.5, 2.5000001].map(roundHalfEven)).toEqual([0, 2, 0, -2, 3]);
});

import { describe, expect, test } from "vitest";
import { constantSparsity, cosine, polynomialDecay } from "../../src/tfjs.js";

describe("schedules", () => {
  test("polynomialDecay: cubic from 0 to 1, fast at first", () => {
    const schedule = polynomialDecay();
    expect([0, 0.5, 1].map(schedule)).toEqual([0, 0.875, 1]);
    const linear = polynomialDecay({ power: 1, initial: 0.5 });
    expect([0, 0.5, 1].map(linear)).toEqual([0.5, 0.75, 1]);
  });

  test("constantSparsity and cosine", () => {
    expect([0, 0.3, 1].map(constantSparsity())).toEqual([1, 1, 1]);
    expect(cosine()(0)).toBe(0);
    expect(cosine()(0.5)).toBeCloseTo(0.5, 12);
    expect(cosine()(1)).toBe(1);
  });

  test.each([polynomialDecay(), polynomialDecay({ initial: 0.2 }), constantSparsity(), cosine()])(
    "never goes back (%#)",
    (schedule) => {
      const shares = Array.from({ length: 101 }, (_, i) => schedule(i / 100));
      for (let i = 1; i < shares.length; i++) expect(shares[i]).toBeGreaterThanOrEqual(shares[i - 1]);
      expect(shares[100]).toBe(1);
    },
  );

  test("refuses powers and shares that are none", () => {
    expect(() => polynomialDecay({ power: 0 })).toThrow("power: wanted a number > 0, got 0");
    expect(() => polynomialDecay({ initial: 1.5 })).toThrow("initial: wanted a number in [0, 1], got 1.5");
  });
});

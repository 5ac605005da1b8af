import { describe, expect, test } from "vitest";
import { createRandom, type RandomState } from "../../src/data/index.js";

describe("createRandom", () => {
  test("is xoshiro128**: the first words from state 1, 2, 3, 4", () => {
    const random = createRandom([1, 2, 3, 4]);
    expect(Array.from({ length: 4 }, () => random.uint32())).toEqual([11520, 0, 5927040, 70819200]);
  });

  test("a seed always gives the same numbers, another seed others", () => {
    const draw = (seed: number) => {
      const random = createRandom(seed);
      return [random.uint32(), random.normal(), random.below(1000), random.uniform(-1, 1)];
    };
    expect(draw(7)).toEqual(draw(7));
    const firsts = [0, 1, -1, 7, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1].map((seed) =>
      createRandom(seed).uint32(),
    );
    expect(new Set(firsts).size).toBe(firsts.length);
    expect(draw(7)).toEqual([1004282400, 0.6990828019972126, 988, -0.6145381033420563]);
  });

  test("a saved state goes on where it was, through JSON", () => {
    const random = createRandom(3);
    for (let i = 0; i < 100; i++) random.normal();
    const saved = JSON.parse(JSON.stringify(random.state())) as RandomState;
    const want = Array.from({ length: 20 }, () => random.normal());
    const restored = createRandom(saved);
    expect(Array.from({ length: 20 }, () => restored.normal())).toEqual(want);
  });

  test("normal: mean, variance, kurtosis and tails of 400,000", () => {
    const random = createRandom(11);
    const n = 400_000;
    let [sum, square, fourth, beyond] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const x = random.normal();
      sum += x;
      square += x * x;
      fourth += x * x * x * x;
      if (Math.abs(x) > 1.959964) beyond++;
    }
    // Five standard errors of each.
    expect(Math.abs(sum / n)).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(square / n - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(fourth / n - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    expect(Math.abs(beyond / n - 0.05)).toBeLessThan(5 * Math.sqrt(0.0475 / n));
    const shifted = createRandom(11);
    expect(shifted.normal(5, 2)).toBe(5 + 2 * createRandom(11).normal());
  });

  test("below is even, uniform stays in its range", () => {
    const random = createRandom(5);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) counts[random.below(6)]++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(5 * 92); // sqrt(n p q) = 91.3
    for (let i = 0; i < 10_000; i++) {
      const x = random.uniform(-2, 3);
      if (x < -2 || x >= 3) expect.fail(`uniform(-2, 3) gave ${x}`);
    }
    expect(random.below(1)).toBe(0);
    expect(random.below(2 ** 32)).toBeGreaterThanOrEqual(0);
  });

  test("shuffle is a permutation, and every one of 3 items comes as often", () => {
    const random = createRandom(9);
    const seen = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const key = random.shuffle([1, 2, 3]).join("");
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(["123", "132", "213", "231", "312", "321"]);
    for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * 29);
    expect(random.shuffle(Uint8Array.of(4, 4, 4))).toEqual(Uint8Array.of(4, 4, 4));
  });

  test("refuses bad seeds, states and bounds", () => {
    for (const seed of [0.5, Number.NaN, 2 ** 53]) expect(() => createRandom(seed)).toThrow(RangeError);
    for (const state of [
      [0, 0, 0, 0],
      [1, 2, 3],
      [1, 2, 3, -1],
      [1, 2, 3, 0.5],
      [1, 2, 3, 2 ** 32],
    ]) {
      expect(() => createRandom(state as unknown as RandomState)).toThrow(RangeError);
    }
    for (const n of [0, -1, 1.5, 2 ** 32 + 1]) expect(() => createRandom(1).below(n)).toThrow(RangeError);
  });
});

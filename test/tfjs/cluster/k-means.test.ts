/** k-means on a line: the same as Lloyd's rounds by plain loops, seeded, and exact where it can be. */

import { describe, expect, test } from "vitest";
import { createRandom } from "../../../src/data/index.js";
import { clusterNumbers, nearestCentroids } from "../../../src/tfjs/cluster/k-means.js";
import { noise } from "../support.js";

/** Lloyd's rounds as the book has them: every number against every centroid, until none moves. */
function plainRounds(numbers: Float32Array, first: readonly number[]): number[] {
  let centroids = [...first];
  for (;;) {
    const sums = centroids.map(() => [0, 0]);
    for (const value of numbers) {
      const distances = centroids.map((centroid) => Math.abs(centroid - value));
      const own = sums[distances.indexOf(Math.min(...distances))];
      own[0] += value;
      own[1] += 1;
    }
    const next = centroids.map((centroid, c) => (sums[c][1] > 0 ? sums[c][0] / sums[c][1] : centroid));
    if (next.every((value, c) => Math.abs(value - centroids[c]) < 1e-12)) {
      return next.filter((_, c) => sums[c][1] > 0);
    }
    centroids = next;
  }
}

const errorOf = (numbers: Float32Array, centroids: Float32Array) => {
  const nearest = nearestCentroids(numbers, centroids);
  return numbers.reduce((sum, value, i) => sum + (value - centroids[nearest[i]]) ** 2, 0);
};

describe("clusterNumbers", () => {
  const numbers = noise(500, 3);

  test.each([1, 2, 7, 16])("%i centroids from an even start are those of plain rounds", (k) => {
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    const first = Array.from({ length: k }, (_, i) =>
      k === 1 ? (low + high) / 2 : low + ((high - low) * i) / (k - 1),
    );
    const wanted = plainRounds(numbers, first);
    const got = clusterNumbers(numbers, k, "linear", createRandom(0));
    expect(got).toHaveLength(wanted.length);
    for (const [i, centroid] of got.entries()) expect(centroid).toBeCloseTo(wanted[i], 6);
  });

  test("centroids drawn far apart settle too, the same for a seed, and fit about as well", () => {
    const draw = (seed: number) => clusterNumbers(numbers, 8, "kmeans++", createRandom(seed));
    expect(draw(4)).toEqual(draw(4));
    const got = draw(4);
    const settled = plainRounds(numbers, [...got]);
    for (const [i, centroid] of got.entries()) expect(centroid).toBeCloseTo(settled[i], 6);
    const even = errorOf(numbers, clusterNumbers(numbers, 8, "linear", createRandom(0)));
    expect(errorOf(numbers, got)).toBeLessThan(1.3 * even);
  });

  test.each(["linear", "kmeans++"] as const)("%s finds separate heaps", (start) => {
    const heaps = [-3, -1, 0.5, 2];
    const many = Float32Array.from({ length: 400 }, (_, i) => heaps[i % 4] + 0.01 * numbers[i]);
    const got = clusterNumbers(many, 4, start, createRandom(1));
    expect([...got].map((value) => Math.round(value * 10) / 10)).toEqual(heaps);
  });

  test("numbers that are no more than k stay as they are", () => {
    const few = Float32Array.of(0.3, -1, 0.3, 7, -1);
    for (const start of ["linear", "kmeans++"] as const) {
      expect(clusterNumbers(few, 3, start, createRandom(0))).toEqual(Float32Array.of(-1, 0.3, 7));
      expect(clusterNumbers(new Float32Array(), 3, start, createRandom(0))).toEqual(new Float32Array());
    }
  });
});

test("nearestCentroids takes the smaller of two as near", () => {
  const nearest = nearestCentroids(Float32Array.of(-5, 0.4, 0.5, 0.6, 9), Float32Array.of(0, 1));
  expect([...nearest]).toEqual([0, 0, 0, 1, 1]);
});

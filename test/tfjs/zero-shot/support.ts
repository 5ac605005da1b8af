/** Planted problems and plain loops to check against. */

import { createRandom } from "../../../src/data/index.js";
import type { Rows, ZeroShotModel } from "../../../src/tfjs.js";

export type Lists = readonly (readonly number[])[];

export function rowsOf(lists: Lists): Rows {
  return { data: Float32Array.from(lists.flat()), count: lists.length };
}

export function multiply(a: Lists, b: Lists): number[][] {
  return a.map((row) => b[0].map((_, k) => row.reduce((sum, value, i) => sum + value * b[i][k], 0)));
}

export function transpose(a: Lists): number[][] {
  return a[0].map((_, k) => a.map((row) => row[k]));
}

export function plus(a: Lists, b: Lists, factor = 1): number[][] {
  return a.map((row, i) => row.map((value, k) => value + factor * b[i][k]));
}

export function identity(size: number, value = 1): number[][] {
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, k) => (i === k ? value : 0)),
  );
}

export function norm(a: Lists): number {
  return Math.sqrt(a.flat().reduce((sum, value) => sum + value * value, 0));
}

/** |a - b| / |b| */
export function relativeError(a: Lists, b: Lists): number {
  return norm(plus(a, b, -1)) / norm(b);
}

export function weightsOf({ weights, shape }: ZeroShotModel): number[][] {
  return Array.from({ length: shape[0] }, (_, i) => [...weights.subarray(i * shape[1], (i + 1) * shape[1])]);
}

/** Multiples of 1/8 in [-2, 2]: their sums and products with ±1 are exact in f32. */
export function grid(rows: number, columns: number, seed: number): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.below(33) / 8 - 2));
}

/** Attributes -1 and 1 of all 16 kinds, four each; the last of the seen is the product of the others. */
export const corners: Lists = Array.from({ length: 16 }, (_, i) =>
  [8, 4, 2, 1].map((bit) => (i & bit ? 1 : -1)),
);

const isSeen = (label: number) => corners[label].reduce((product, sign) => product * sign, 1) === 1;
export const seenCorners = [...corners.keys()].filter(isSeen);
export const unseenCorners = [...corners.keys()].filter((label) => !isSeen(label));

/** Labels with more samples of later classes: counts 1, 2, 3, 1, 2, 3, ... */
export function unevenLabels(classes: readonly number[]): number[] {
  return classes.flatMap((label, i) => new Array<number>((i % 3) + 1).fill(label));
}

/** x = s M for the attributes s of each sample's class. */
export function plant(labels: readonly number[], attributes: Lists, map: Lists): Lists {
  return multiply(
    labels.map((label) => attributes[label]),
    map,
  );
}

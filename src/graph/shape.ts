/** Shapes: how many elements, how to print them, and whether they are shapes at all. */

import type { Shape } from "./types.js";

/** As safetensors files and tfjs have it; more is a mistake or an attack. */
export const maxRank = 8;

/**
 * Elements of a value for one sample: the product of the dimensions, the batch counted as 1.
 *
 * A product past 2^53 is inexact, and past 2^1024 infinite, but never smaller than a cap it passes.
 */
export function sizeOf(shape: Shape): number {
  return shape.reduce<number>((size, dim) => size * (dim ?? 1), 1);
}

/** "[null, 28, 28]". */
export function formatShape(shape: Shape): string {
  return `[${shape.map(String).join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** A batch first, then sizes of at least 1: what every value of a graph has. */
export function isValueShape(shape: unknown): shape is Shape {
  return (
    Array.isArray(shape) && shape.length <= maxRank && shape[0] === null && isWeightShape(shape.slice(1))
  );
}

/** Sizes of at least 1, no batch. */
export function isWeightShape(shape: unknown): shape is readonly number[] {
  return (
    Array.isArray(shape) &&
    shape.length <= maxRank &&
    shape.every((dim) => Number.isSafeInteger(dim) && dim > 0)
  );
}

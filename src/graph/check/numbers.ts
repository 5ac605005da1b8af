/** What a scale and a zero point may be. */

import { GraphError } from "../errors.js";
import type { QuantParams } from "../types.js";

const smallestNormalF32 = 2 ** -126;

/** Positive and finite, and normal, once rounded to f32: what the runtime multiplies with. */
export function isNormalScale(scale: number): boolean {
  const f32 = Math.fround(scale);
  // NaN and negatives fail the first comparison.
  return f32 >= smallestNormalF32 && f32 < Infinity;
}

/** @throws GraphError quant-scale, quant-zero */
export function checkQuantParams(name: string, { scale, zero }: QuantParams): void {
  // A file's JSON says it, and no more than 2^53 - 1.
  if (!isNormalScale(scale) || scale > Number.MAX_SAFE_INTEGER) {
    throw new GraphError(
      "quant-scale",
      `${name}: wanted a scale that is a positive, normal f32 below 2^53, got ${scale}`,
    );
  }
  if (!(Number.isInteger(zero) && zero >= 0 && zero <= 127)) {
    throw new GraphError(
      "quant-zero",
      `${name}: wanted a zero point that is an integer in [0, 127], got ${zero}`,
    );
  }
}

/** What samples must be before anything learns from them. */

import * as tf from "@tensorflow/tfjs-core";
import { product } from "./columns.js";

/** @throws TypeError where it is no object */
export function checkData(data: unknown): void {
  if (typeof data === "object" && data !== null) return;
  throw new TypeError(`data: wanted { x, y }, got ${data === null ? "null" : typeof data}`);
}

/**
 * A tensor has the sizes of the samples, or their numbers in rows or in one row: others hold the right numbers in
 * a wrong order. A typed array has no sizes to check.
 *
 * @throws RangeError for other sizes
 */
export function checkSizes(name: string, source: unknown, count: number, shape: readonly number[]): void {
  if (!(source instanceof tf.Tensor) || source.rank < 2) return;
  const [first, ...sizes] = source.shape;
  const fits = String(sizes) === String(shape) || String(sizes) === String([product(shape)]);
  if (first === count && fits) return;
  throw new RangeError(`${name}: wanted [${[count, ...shape].join(", ")}], got [${source.shape.join(", ")}]`);
}

/** @throws RangeError for NaN and infinities, which one step would spread over all weights */
export function checkFinite(name: string, numbers: ArrayLike<number>, size: number): void {
  if (!(numbers instanceof Float32Array)) return;
  for (let i = 0; i < numbers.length; i++) {
    // NaN for both.
    if (numbers[i] - numbers[i] === 0) continue;
    throw new RangeError(
      `${name}: wanted finite numbers, got ${numbers[i]} in sample ${Math.floor(i / size)} at ${i % size}`,
    );
  }
}

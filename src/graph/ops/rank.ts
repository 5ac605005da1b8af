/** Ranks and axes of the values that ops read. */

import { formatShape } from "../shape.js";
import type { Node, Shape } from "../types.js";

/** @throws RangeError for an input of a rank below `min` or above `max` */
export function wantRank({ name }: Node, input: Shape, min: number, max = Number.POSITIVE_INFINITY): void {
  if (input.length >= min && input.length <= max) return;
  const wanted = min === max ? `${min}` : `${min} or more`;
  throw new RangeError(`${name}: wanted an input of rank ${wanted}, got ${formatShape(input)}`);
}

/** @throws RangeError for axes that are none of a sample's, the batch being axis 0 */
export function wantAxes({ name }: Node, input: Shape, axes: readonly number[]): void {
  for (const axis of axes) {
    if (axis >= 1 && axis < input.length) continue;
    throw new RangeError(`${name}: wanted an axis of 1 to ${input.length - 1}, got ${axis}`);
  }
}

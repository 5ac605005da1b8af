/** Windows that slide over the height and width of [null, h, w, c]: convolutions and pools. */

import { formatShape } from "../shape.js";
import type { Node, Shape } from "../types.js";
import { type AttrRules, integersAttr } from "./rule.js";

/** attrs  strides [h, w], padding [top, bottom, left, right] in cells */
export const windowAttrs: AttrRules = { strides: integersAttr(1, 2), padding: integersAttr(0, 4) };

/** Height and width of the input with its padding. */
export function padded({ attrs }: Node, input: Shape): readonly [number, number] {
  const [top, bottom, left, right] = attrs.padding as readonly number[];
  return [(input[1] as number) + top + bottom, (input[2] as number) + left + right];
}

/**
 * How many places a window has along height and width.
 *
 * @param size cells from the first of a window to its last, dilation counted
 * @throws RangeError where the window is larger than the padded input
 */
export function windowPlaces(node: Node, input: Shape, size: readonly number[]): readonly [number, number] {
  const [rows, columns] = padded(node, input);
  if (size[0] > rows || size[1] > columns) {
    throw new RangeError(
      `${node.name}: wanted a window within the padded input [${rows}, ${columns}], got ${formatShape(size)}`,
    );
  }
  const [down, across] = node.attrs.strides as readonly number[];
  return [Math.floor((rows - size[0]) / down) + 1, Math.floor((columns - size[1]) / across) + 1];
}

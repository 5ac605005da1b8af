/** concat: values one after another along an axis of a sample. */

import { formatShape } from "../shape.js";
import { wantAxes } from "./rank.js";
import { integerAttr, type OpRule } from "./rule.js";

/** attrs  axis: the batch being axis 0 */
export const concat: OpRule = {
  inputs: { min: 1, max: Number.POSITIVE_INFINITY },
  attrs: () => ({ axis: integerAttr(true) }),
  weights: {},
  codes: () => "move",
  shape(node, inputs) {
    const [first] = inputs;
    const axis = node.attrs.axis as number;
    wantAxes(node, first, [axis]);
    for (const input of inputs) {
      const fits = input.length === first.length && input.every((dim, i) => i === axis || dim === first[i]);
      if (!fits) {
        throw new RangeError(
          `${node.name}: wanted shapes like ${formatShape(first)} but for axis ${axis}, got ${formatShape(input)}`,
        );
      }
    }
    return first.with(
      axis,
      inputs.reduce((sum, input) => sum + (input[axis] as number), 0),
    );
  },
};

/** transpose: the axes of a sample in another order. */

import { formatShape } from "../shape.js";
import { integersAttr, type OpRule } from "./rule.js";

/** attrs  perm: for each axis of the result the axis it was; the batch, axis 0, stays first */
export const transpose: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({ perm: integersAttr(0) }),
  weights: {},
  codes: () => "move",
  shape(node, [input]) {
    const perm = node.attrs.perm as readonly number[];
    const isOrder = perm.length === input.length && perm[0] === 0 && input.every((_, i) => perm.includes(i));
    if (!isOrder) {
      throw new RangeError(
        `${node.name}: wanted an order of the axes of ${formatShape(input)}, 0 first, got ${formatShape(perm)}`,
      );
    }
    return perm.map((axis) => input[axis]);
  },
};

/** reshape: the same numbers in the same order under another shape. */

import { formatShape, isValueShape, sizeOf } from "../shape.js";
import type { Shape } from "../types.js";
import type { OpRule } from "./rule.js";

/** attrs    shape: the whole shape, null for the batch, no -1 (importers resolve it) */
export const reshape: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({
    shape: {
      required: true,
      wanted: "[null, sizes of at least 1...] of rank 8 or less",
      valid: isValueShape,
    },
  }),
  weights: {},
  codes: () => "move",
  shape(node, [input]) {
    const target = node.attrs.shape as Shape;
    if (sizeOf(target) !== sizeOf(input)) {
      throw new RangeError(
        `${node.name}: wanted ${sizeOf(input)} elements as in ${formatShape(input)}, got ${sizeOf(target)} in ${formatShape(target)}`,
      );
    }
    return target;
  },
};

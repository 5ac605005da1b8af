/** prelu: x where x >= 0, else alpha * x, with an alpha for each element of a sample. */

import { formatShape } from "../shape.js";
import type { OpRule } from "./rule.js";

/** weights  alpha f32, the input's shape without its batch; a dimension may be 1 to share it */
export const prelu: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({}),
  weights: { alpha: { required: true, dtypes: ["f32"] } },
  shape(node, [input], { alpha }) {
    const sample = input.slice(1);
    if (alpha.length !== sample.length || alpha.some((dim, i) => dim !== 1 && dim !== sample[i])) {
      throw new RangeError(
        `${node.name}: wanted an alpha of ${formatShape(sample)} or with 1 in places, got ${formatShape(alpha)}`,
      );
    }
    return input;
  },
};

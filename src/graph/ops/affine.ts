/** affine: x * scale + offset per channel of the last axis; what a BatchNormalization is at inference. */

import { formatShape } from "../shape.js";
import type { OpRule } from "./rule.js";

/** weights  scale f32[C], offset f32[C] */
export const affine: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({}),
  weights: {
    scale: { required: true, dtypes: ["f32"], rank: 1 },
    offset: { required: true, dtypes: ["f32"], rank: 1 },
  },
  shape(node, [input], { scale, offset }) {
    const channels = input.length < 2 ? undefined : input[input.length - 1];
    if (scale[0] !== channels || offset[0] !== channels) {
      throw new RangeError(
        `${node.name}: wanted one scale and offset for each channel of ${formatShape(input)}, got ${scale[0]} and ${offset[0]}`,
      );
    }
    return input;
  },
};

/** gather: chosen places along an axis of a sample; embedding: rows of a matrix chosen by the input. */

import { wantAxes, wantRank } from "./rank.js";
import { integerAttr, integersAttr, type OpRule } from "./rule.js";

/** attrs  axis: the batch being axis 0; indices: at least one, within the axis, repeats allowed */
export const gather: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({ axis: integerAttr(true), indices: integersAttr(0) }),
  weights: {},
  codes: () => "move",
  shape(node, [input]) {
    const { axis, indices } = node.attrs as { axis: number; indices: readonly number[] };
    wantAxes(node, input, [axis]);
    const dim = input[axis] as number;
    const wrong = indices.find((index) => index >= dim);
    if (wrong !== undefined || indices.length === 0) {
      throw new RangeError(`${node.name}: wanted indices below ${dim}, got ${wrong ?? "none"}`);
    }
    return input.with(axis, indices.length);
  },
};

/** weights  embeddings f32|s8 [vocabulary, size]; the input holds row numbers as f32 */
export const embedding: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({}),
  weights: { embeddings: { required: true, dtypes: ["f32", "s8"], rank: 2 } },
  shape(node, [input], { embeddings }) {
    wantRank(node, input, 1);
    return [...input, embeddings[1]];
  },
};

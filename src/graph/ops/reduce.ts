/** reduce: mean, sum, max, min or product over axes of a sample; global pools are among them. */

import { wantAxes } from "./rank.js";
import { booleanAttr, integersAttr, type OpRule, wordAttr } from "./rule.js";

/** attrs  fn; axes: ascending, the batch being axis 0; keepDims (default false): they stay as 1 */
export const reduce: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({
    fn: wordAttr(true, ["mean", "sum", "max", "min", "product"]),
    axes: integersAttr(1),
    keepDims: booleanAttr,
  }),
  weights: {},
  // The mean of a picture: a global pool.
  codes: ({ attrs: { fn, axes } }) => (fn === "mean" && `${axes}` === "1,2" ? "own" : undefined),
  shape(node, [input]) {
    const axes = node.attrs.axes as readonly number[];
    wantAxes(node, input, axes);
    if (axes.some((axis, i) => i > 0 && axis <= axes[i - 1])) {
      throw new RangeError(`${node.name}: wanted axes in ascending order, got ${axes}`);
    }
    return input.flatMap((dim, axis) => (axes.includes(axis) ? (node.attrs.keepDims ? [1] : []) : [dim]));
  },
};

/** matmul: products of two values as matrices of their last two axes, one for each place of the others. */

import { formatShape, sameShape } from "../shape.js";
import { wantRank } from "./rank.js";
import { booleanAttr, type OpRule } from "./rule.js";

/** attrs  transposeA, transposeB (default false) */
export const matmul: OpRule = {
  inputs: { min: 2, max: 2 },
  attrs: () => ({ transposeA: booleanAttr, transposeB: booleanAttr }),
  weights: {},
  shape(node, [a, b]) {
    wantRank(node, a, 3);
    const { transposeA, transposeB } = node.attrs;
    const [m, k] = transposeA ? a.slice(-2).reverse() : a.slice(-2);
    const [depth, n] = transposeB ? b.slice(-2).reverse() : b.slice(-2);
    if (k !== depth || !sameShape(a.slice(0, -2), b.slice(0, -2))) {
      throw new RangeError(
        `${node.name}: wanted matrices that go together, got ${formatShape(a)} and ${formatShape(b)}`,
      );
    }
    return [...a.slice(0, -2), m, n];
  },
};

/** dense: y = activation(x . kernel + bias) over the last axis, as tfjs' Dense of any rank. */

import { GraphError } from "../errors.js";
import { formatShape } from "../shape.js";
import type { Node, Weight } from "../types.js";
import { finiteAttr, type OpRule, tableRule, wordAttr } from "./rule.js";
import { unaryNumberAttrs } from "./unary.js";
import { unaryFunctionNames } from "./unary-functions.js";

/**
 * attrs    activation (default "linear") and its numbers; preScale, preZero: u7 parameters of the
 *          pre-activation, which the table is entered with
 * weights  kernel f32|s8 [in, out]; bias f32|i32 [out] (i32 with an s8 kernel, and only then);
 *          table u7[128], with an s8 kernel only: the activation
 */
export const dense: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: (node) => ({
    activation: wordAttr(false, unaryFunctionNames),
    ...unaryNumberAttrs(node, "activation", "linear"),
    // Their ranges are the check's: they have the codes of all u7 parameters.
    preScale: { ...finiteAttr(false, "a number"), valid: (value) => typeof value === "number" },
    preZero: { ...finiteAttr(false, "a number"), valid: (value) => typeof value === "number" },
  }),
  weights: {
    kernel: { required: true, dtypes: ["f32", "s8"], rank: 2, depth: ([inputs]) => inputs },
    bias: { required: false, dtypes: ["f32", "i32"], rank: 1 },
    table: tableRule,
  },
  tableInput: "attrs",
  check: checkDtypes,
  shape(node, [input], { kernel, bias }) {
    if (input.length < 2) {
      throw new RangeError(`${node.name}: wanted an input of rank 2 or more, got ${formatShape(input)}`);
    }
    const channels = input[input.length - 1];
    if (channels !== kernel[0]) {
      throw new RangeError(
        `${node.name}: kernel ${formatShape(kernel)} wants ${kernel[0]} channels in, got ${channels} of ${formatShape(input)}`,
      );
    }
    if (bias && bias[0] !== kernel[1]) {
      throw new RangeError(`${node.name}: wanted a bias of [${kernel[1]}], got ${formatShape(bias)}`);
    }
    return [...input.slice(0, -1), kernel[1]];
  },
};

/** A bias is added to the accumulator, so it has the accumulator's type. */
function checkDtypes(node: Node, weights: Readonly<Record<string, Weight>>): void {
  const { kernel, bias, table } = weights;
  const wanted = kernel.dtype === "s8" ? "i32" : "f32";
  if (bias && bias.dtype !== wanted) {
    throw new GraphError(
      "graph-weight",
      `${node.name}: a kernel of ${kernel.dtype} wants a bias of ${wanted}, got ${bias.dtype}`,
    );
  }
  if (table && kernel.dtype !== "s8") {
    throw new GraphError("graph-weight", `${node.name}: a table wants a kernel of s8, got ${kernel.dtype}`);
  }
}

/** What the ops that multiply by a kernel share: bias, activation, and how s8 kernels are completed. */

import { GraphError } from "../errors.js";
import { formatShape } from "../shape.js";
import type { Node, Shape, Weight } from "../types.js";
import { type AttrRules, finiteAttr, type OpRule, tableRule, type WeightRule, wordAttr } from "./rule.js";
import { unaryNumberAttrs } from "./unary.js";
import { unaryFunctionNames } from "./unary-functions.js";

// The range of u7 parameters is the check's: it has the codes of all of them.
const u7Attr = { ...finiteAttr(false, "a number"), valid: (value: unknown) => typeof value === "number" };

/**
 * attrs    activation (default "linear") and its numbers; preScale, preZero: u7 parameters of the
 *          pre-activation, which the table is entered with
 * weights  kernel f32|s8; bias f32|i32 [out] (i32 with an s8 kernel, and only then);
 *          table u7[128], with an s8 kernel only: the activation
 */
export function productRule(
  kernel: Pick<WeightRule, "rank" | "depth" | "channels">,
  attrs: AttrRules,
  rule: Pick<OpRule, "shape" | "workspace">,
): OpRule {
  return {
    inputs: { min: 1, max: 1 },
    attrs: (node) => ({
      activation: wordAttr(false, unaryFunctionNames),
      ...unaryNumberAttrs(node, "activation", "linear"),
      preScale: u7Attr,
      preZero: u7Attr,
      ...attrs,
    }),
    weights: {
      kernel: { required: true, dtypes: ["f32", "s8"], ...kernel },
      bias: { required: false, dtypes: ["f32", "i32"], rank: 1 },
      table: tableRule,
    },
    tableInput: "attrs",
    check: checkDtypes,
    ...rule,
  };
}

/** A bias is added to the accumulator, so it has the accumulator's type. */
export function checkDtypes(node: Node, weights: Readonly<Record<string, Weight>>): void {
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

/** @throws RangeError where the kernel's inputs are not the channels there are, or the bias not its outputs */
export function checkChannels(
  { name }: Node,
  input: Shape,
  kernel: readonly number[],
  inputs: number,
  bias: readonly number[] | undefined,
  outputs: number,
): void {
  const channels = input[input.length - 1];
  if (channels !== inputs) {
    throw new RangeError(
      `${name}: kernel ${formatShape(kernel)} wants ${inputs} channels in, got ${channels} of ${formatShape(input)}`,
    );
  }
  if (bias && bias[0] !== outputs) {
    throw new RangeError(`${name}: wanted a bias of [${outputs}], got ${formatShape(bias)}`);
  }
}

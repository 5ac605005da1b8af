/**
 * add, subtract, multiply, divide, maximum, minimum; equal, greater, greaterEqual, which give 1 or 0; mask, which
 * gives the left where the right is not 0, else 0: of two values, or of one and a constant.
 */

import { formatShape } from "../shape.js";
import type { Node, Shape } from "../types.js";
import { booleanAttr, type OpRule, wordAttr } from "./rule.js";
import { unaryNumberAttrs } from "./unary.js";

/**
 * attrs    activation: linear (default), relu with maxValue, relu6; operandFirst (default false): the
 *          operand is on the left
 * weights  operand f32, in place of the second value, of the shape of a sample or one that broadcasts
 *          with it from the right
 */
export const arithmetic: OpRule = {
  inputs: { min: 1, max: 2 },
  attrs: (node) => ({
    activation: wordAttr(false, ["linear", "relu", "relu6"]),
    ...unaryNumberAttrs(node, "activation", "linear"),
    operandFirst: booleanAttr,
  }),
  weights: { operand: { required: false, dtypes: ["f32"] } },
  shape(node, [a, b], { operand }) {
    if ((b === undefined) === (operand === undefined)) {
      throw new RangeError(`${node.name}: wanted two values or one and an operand`);
    }
    // The importers line ranks up; a file that does not is refused rather than guessed at.
    if (b && a.length !== b.length) throw mismatch(node, a, b);
    return [null, ...broadcast(node, a.slice(1), b ? b.slice(1) : operand)];
  },
};

/** Sums and differences of two values are made in integers; the rest is not. */
export const sum: OpRule = {
  ...arithmetic,
  codes: ({ inputs }) => (inputs.length === 2 ? "own" : undefined),
};

/** As numpy has it. */
function broadcast(node: Node, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [first, second] = [a, b].map((shape) => shape[i - rank + shape.length] ?? 1);
    if (first !== second && first !== 1 && second !== 1) throw mismatch(node, a, b);
    return first === 1 ? second : first;
  });
}

function mismatch({ name }: Node, a: Shape, b: Shape): RangeError {
  return new RangeError(
    `${name}: wanted shapes that are equal or 1 in each place, got ${formatShape(a)} and ${formatShape(b)}`,
  );
}

/** The activation of a node, fused or alone, and its 128-byte table. */

import {
  isUnaryFunctionName,
  type Node,
  type QuantParams,
  type U7Weight,
  type UnaryFunctionName,
  unaryFunctions,
  unaryNumberRules,
  unaryNumbers,
} from "../graph/index.js";
import { codeOf, realOf } from "./params.js";

/** The function of a node that has one: `fn` of a unary, `activation` of a product; else "linear". */
export function activationOf({ op, attrs }: Node): UnaryFunctionName {
  const name = op === "unary" ? attrs.fn : attrs.activation;
  return isUnaryFunctionName(name) ? name : "linear";
}

/** Whether an attribute is one of the numbers of the node's activation, such as alpha. */
export function isActivationNumber(node: Node, key: string): boolean {
  return Object.hasOwn(unaryNumberRules(activationOf(node)), key);
}

/** The attributes of a node without its activation and the numbers of it. */
export function withoutActivation(node: Node): Node["attrs"] {
  const kept = Object.entries(node.attrs).filter(
    ([key]) => key !== "activation" && !isActivationNumber(node, key),
  );
  return Object.fromEntries(kept);
}

/** The activation in f64. */
export function activationFunction(node: Node): (x: number) => number {
  const fn = activationOf(node);
  const numbers = unaryNumbers(fn, node.attrs);
  return (x) => unaryFunctions[fn](x, numbers);
}

/**
 * Whether the activation needs a table in u7: a linear one needs nothing and a relu, with or without
 * an upper end, is a bound on the codes.
 */
export function needsTable(node: Node): boolean {
  return !["linear", "relu", "relu6"].includes(activationOf(node));
}

/** The node's activation from codes of `input` to codes of `output`. */
export function activationTable(node: Node, input: QuantParams, output: QuantParams): U7Weight {
  const f = activationFunction(node);
  const data = Uint8Array.from({ length: 128 }, (_, code) => codeOf(f(realOf(code, input)), output));
  return { dtype: "u7", shape: [128], data };
}

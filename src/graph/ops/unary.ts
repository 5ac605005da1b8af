/** unary: one number in, one number out. */

import type { Node } from "../types.js";
import { type AttrRules, finiteAttr, type OpRule, tableRule, wordAttr } from "./rule.js";
import {
  isUnaryFunctionName,
  type UnaryFunctionName,
  unaryFunctionNames,
  unaryNumberRules,
} from "./unary-functions.js";

/** Attributes for the numbers of the function that the attribute `key` names. */
export function unaryNumberAttrs(node: Node, key: string, initial?: UnaryFunctionName): AttrRules {
  const fn = Object.hasOwn(node.attrs, key) ? node.attrs[key] : initial;
  if (!isUnaryFunctionName(fn)) return {};
  const rules = Object.entries(unaryNumberRules(fn));
  return Object.fromEntries(
    rules.map(([name, { wanted, valid }]) => [
      name,
      { ...finiteAttr(false, wanted), valid: (value) => typeof value === "number" && valid(value) },
    ]),
  );
}

/**
 * attrs    fn and its numbers (alpha, theta, maxValue, slope)
 * weights  table u7[128]: the function from the input's u7 codes to the output's
 */
export const unary: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: (node) => ({ fn: wordAttr(true, unaryFunctionNames), ...unaryNumberAttrs(node, "fn") }),
  weights: { table: tableRule },
  tableInput: "input",
  shape: (_node, [input]) => input,
};

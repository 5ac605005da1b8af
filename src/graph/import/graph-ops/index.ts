/** The ops of GraphDefs that pare imports. A new one is a row in a file beside this. */

import type { GraphRule } from "./constant.js";
import { elementRules } from "./elements.js";
import { moveRules } from "./moves.js";
import { productRules } from "./products.js";

const rules: Readonly<Record<string, GraphRule>> = { ...elementRules, ...moveRules, ...productRules };

export function graphRule(op: string): GraphRule | undefined {
  return Object.hasOwn(rules, op) ? rules[op] : undefined;
}

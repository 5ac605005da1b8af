/** The ops of GraphDefs that pare imports. A new one is a row in a file beside this. */

import type { GraphRule } from "./constant.js";
import { einsumRules } from "./einsum.js";
import { elementRules } from "./elements.js";
import { listRules } from "./lists.js";
import { partRules } from "./parts.js";
import { pictureRules } from "./pictures.js";
import { productRules } from "./products.js";
import { reductionRules } from "./reductions.js";
import { shapeRules } from "./shapes.js";

const rules: Readonly<Record<string, GraphRule>> = {
  ...einsumRules,
  ...elementRules,
  ...listRules,
  ...partRules,
  ...pictureRules,
  ...productRules,
  ...reductionRules,
  ...shapeRules,
};

export function graphRule(op: string): GraphRule | undefined {
  return Object.hasOwn(rules, op) ? rules[op] : undefined;
}

/** The ops of pare: one row each. A new op is a file beside this one and a row here. */

import { affine } from "./affine.js";
import { dense } from "./dense.js";
import { prelu } from "./prelu.js";
import { reshape } from "./reshape.js";
import type { OpRule } from "./rule.js";
import { logSoftmax, softmax } from "./softmax.js";
import { unary } from "./unary.js";

const rules: Readonly<Record<string, OpRule>> = { affine, dense, logSoftmax, prelu, reshape, softmax, unary };

export const opNames: readonly string[] = Object.keys(rules);

/** The rule of an op; undefined for a name that is none. */
export function opRule(op: string): OpRule | undefined {
  // hasOwn, not a look-up alone: "constructor" is no op.
  return Object.hasOwn(rules, op) ? rules[op] : undefined;
}

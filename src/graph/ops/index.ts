/** The ops of pare: one row each. A new op is a file beside this one and a row here. */

import { affine } from "./affine.js";
import { arithmetic, sum } from "./arithmetic.js";
import { concat } from "./concat.js";
import { conv2d, convTranspose2d, depthwiseConv2d } from "./convolution.js";
import { dense } from "./dense.js";
import { embedding, gather } from "./gather.js";
import { layerNorm } from "./layer-norm.js";
import { matmul } from "./matmul.js";
import { pad } from "./pad.js";
import { averagePool, maxPool } from "./pool.js";
import { prelu } from "./prelu.js";
import { gru, lstm, simpleRnn } from "./recurrent.js";
import { reduce } from "./reduce.js";
import { reshape } from "./reshape.js";
import { resize } from "./resize.js";
import type { OpRule } from "./rule.js";
import { slice } from "./slice.js";
import { logSoftmax, softmax } from "./softmax.js";
import { transpose } from "./transpose.js";
import { unary } from "./unary.js";

const rules: Readonly<Record<string, OpRule>> = {
  add: sum,
  affine,
  averagePool,
  concat,
  conv2d,
  convTranspose2d,
  dense,
  depthwiseConv2d,
  divide: arithmetic,
  embedding,
  equal: arithmetic,
  gather,
  greater: arithmetic,
  greaterEqual: arithmetic,
  gru,
  layerNorm,
  logSoftmax,
  lstm,
  mask: arithmetic,
  matmul,
  maximum: arithmetic,
  maxPool,
  minimum: arithmetic,
  multiply: arithmetic,
  pad,
  prelu,
  reduce,
  reshape,
  resize,
  simpleRnn,
  slice,
  softmax,
  subtract: sum,
  transpose,
  unary,
};

export const opNames: readonly string[] = Object.keys(rules);

/** The rule of an op; undefined for a name that is none. */
export function opRule(op: string): OpRule | undefined {
  // hasOwn, not a look-up alone: "constructor" is no op.
  return Object.hasOwn(rules, op) ? rules[op] : undefined;
}

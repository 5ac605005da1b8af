/** What runs in integers on planes; every other node takes the way of f32. */

import { type Node, opRule, type S8Weight } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import { lowerConv2dU7 } from "./convolution-u7.js";
import { lowerDepthwiseU7 } from "./depthwise-u7.js";
import { isAddU7, isConcatU7, lowerAddU7, lowerConcatU7 } from "./join-u7.js";
import { isMoveU7, lowerMoveU7 } from "./moves-u7.js";
import { isMeanU7, isPoolU7, lowerMeanU7, lowerPoolU7 } from "./pool-u7.js";
import { lowerConvTranspose2dU7 } from "./transposed-u7.js";

/** What an op needs to run in integers, and how it then does. */
interface Lowered {
  runs(to: Lowering, node: Node): boolean;
  lower(to: Lowering, node: Node): void;
}

const kernelOf = (to: Lowering, node: Node) => to.weight(node, "kernel") as S8Weight;
const hasS8 = (to: Lowering, node: Node) => to.weight(node, "kernel")?.dtype === "s8";

const move: Lowered = { runs: isMoveU7, lower: lowerMoveU7 };
const pool: Lowered = { runs: isPoolU7, lower: lowerPoolU7 };

const sum: Lowered = { runs: isAddU7, lower: lowerAddU7 };

const lowered: Readonly<Record<string, Lowered>> = {
  add: sum,
  averagePool: pool,
  concat: { runs: isConcatU7, lower: lowerConcatU7 },
  conv2d: { runs: hasS8, lower: (to, node) => lowerConv2dU7(to, node, kernelOf(to, node)) },
  convTranspose2d: { runs: hasS8, lower: (to, node) => lowerConvTranspose2dU7(to, node, kernelOf(to, node)) },
  depthwiseConv2d: {
    runs: (to, node) => hasS8(to, node) && kernelOf(to, node).shape[3] === 1,
    lower: (to, node) => lowerDepthwiseU7(to, node, kernelOf(to, node)),
  },
  gather: move,
  maxPool: pool,
  pad: move,
  reduce: { runs: isMeanU7, lower: lowerMeanU7 },
  resize: move,
  slice: move,
  subtract: sum,
  transpose: move,
};

/** Emits the steps of a node that runs in integers. @returns false for one that does not */
export function lowerU7(to: Lowering, node: Node): boolean {
  const op = Object.hasOwn(lowered, node.op) ? lowered[node.op] : undefined;
  // A node with a kernel of codes has no choice; of the others, the rule of the op says first what can be.
  if (!op || !(hasS8(to, node) || opRule(node.op)?.codes?.(node)) || !op.runs(to, node)) return false;
  op.lower(to, node);
  return true;
}

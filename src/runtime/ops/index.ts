/** How each op of the graph runs. Its shape rule and attributes are in src/graph/ops, same name. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import { lowerArithmetic } from "./arithmetic.js";
import { lowerConv2dF32, lowerConvTranspose2dF32 } from "./convolution.js";
import { lowerDense } from "./dense.js";
import {
  lowerAffine,
  lowerLogSoftmax,
  lowerPrelu,
  lowerReshape,
  lowerSoftmax,
  lowerUnary,
} from "./elementwise.js";
import { lowerEmbedding, lowerMatmul } from "./matmul.js";
import { lowerConcat, lowerMove } from "./moves.js";
import { lowerAveragePoolF32, lowerDepthwiseF32, lowerMaxPoolF32 } from "./pool.js";
import { lowerRecurrent } from "./recurrent.js";
import { lowerLayerNorm, lowerReduce } from "./reduce.js";
import { lowerResize } from "./resize.js";
import { lowerU7 } from "./u7.js";

const lowerings: Readonly<Record<string, (to: Lowering, node: Node) => void>> = {
  add: lowerArithmetic,
  affine: lowerAffine,
  averagePool: lowerAveragePoolF32,
  concat: lowerConcat,
  conv2d: lowerConv2dF32,
  convTranspose2d: lowerConvTranspose2dF32,
  dense: lowerDense,
  depthwiseConv2d: lowerDepthwiseF32,
  divide: lowerArithmetic,
  embedding: lowerEmbedding,
  equal: lowerArithmetic,
  gather: lowerMove,
  greater: lowerArithmetic,
  greaterEqual: lowerArithmetic,
  gru: lowerRecurrent,
  layerNorm: lowerLayerNorm,
  logSoftmax: lowerLogSoftmax,
  lstm: lowerRecurrent,
  mask: lowerArithmetic,
  matmul: lowerMatmul,
  maximum: lowerArithmetic,
  maxPool: lowerMaxPoolF32,
  minimum: lowerArithmetic,
  multiply: lowerArithmetic,
  pad: lowerMove,
  prelu: lowerPrelu,
  reduce: lowerReduce,
  reshape: lowerReshape,
  resize: lowerResize,
  simpleRnn: lowerRecurrent,
  slice: lowerMove,
  softmax: lowerSoftmax,
  subtract: lowerArithmetic,
  transpose: lowerMove,
  unary: lowerUnary,
};

/** Emits the steps of a node. @throws RangeError for an op that has no lowering */
export function lowerNode(to: Lowering, node: Node): void {
  if (lowerU7(to, node)) return;
  if (!Object.hasOwn(lowerings, node.op)) throw new RangeError(`${node.name}: op ${node.op} does not run`);
  lowerings[node.op](to, node);
}

/** A weight tensor as the allocation of a sparsity over the net sees it. */

import {
  type BlockShape,
  blockSizes,
  blockSquares,
  noRoomFor,
  type PrunableLayer,
} from "../compress/index.js";
import { asColumns, columnsOf, product } from "./columns.js";
import { type Pattern, parsePattern } from "./prune.js";
import type { ModelWeight } from "./weights.js";

/** @param pattern whose blocks are scored; those of n:m are groups of m inputs */
export function prunableOf(weight: ModelWeight, pattern: Pattern): PrunableLayer {
  const columns = columnsOf(weight);
  const block = blockOf(pattern);
  const isDepthwise = weight.role === "depthwise_kernel";
  const values = (weight.variable.dataSync() as Float32Array).slice();
  const squares = asColumns(
    () => values,
    columns,
    (matrix) => blockSquares(matrix(), columns, block),
  );
  // A group of inputs that spans taps of a convolution is one that no kernel of the runtime takes.
  const tap = { inputs: inputsOfTap(weight), outputs: columns.outputs };
  const outside = pattern === "unstructured" ? undefined : noRoomFor(block, tap, pattern);
  const littleGain = isDepthwise ? "a depthwise kernel has one input channel for each output" : outside;
  // Blocks may span taps where the sparsity wants it, but groups of m inputs, of which the same go everywhere, need not.
  const isGroup = parsePattern(pattern) !== undefined;
  const sizes = blockSizes(columns, block);
  return { squares, sizes, weights: product(weight.shape), littleGain, ...(isGroup && { noRoom: outside }) };
}

function inputsOfTap(weight: ModelWeight): number {
  if (weight.role === "depthwise_kernel") return 1;
  const { stored, inputs } = columnsOf(weight);
  return stored?.inner ?? (weight.shape.length < 2 ? inputs : (weight.shape.at(-2) as number));
}

function blockOf(pattern: Pattern): BlockShape {
  if (pattern === "unstructured") return { inputs: 1, outputs: 1 };
  return { inputs: parsePattern(pattern)?.m ?? 4, outputs: pattern === "4x4" ? 4 : 1 };
}

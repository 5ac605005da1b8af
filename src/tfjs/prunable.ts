/** A weight tensor as the allocation of a sparsity over the net sees it. */

import { type BlockShape, blockSquares, noRoomFor, type PrunableLayer } from "../compress/index.js";
import { asColumns, columnsOf, product } from "./columns.js";
import { type Pattern, parsePattern } from "./prune.js";
import type { ModelWeight } from "./weights.js";

/** @param pattern whose blocks are scored; those of n:m are groups of m inputs */
export function prunableOf(weight: ModelWeight, pattern: Pattern): PrunableLayer {
  const columns = columnsOf(weight);
  const block = blockOf(pattern);
  const isDepthwise = weight.role === "depthwise_kernel";
  // A group of inputs that spans taps of a convolution is one that no kernel takes.
  const tap = { inputs: inputsOfTap(weight), outputs: columns.outputs };
  const values = (weight.variable.dataSync() as Float32Array).slice();
  const squares = asColumns(
    () => values,
    columns,
    (matrix) => blockSquares(matrix(), columns, block),
  );
  const noRoom = pattern === "unstructured" ? undefined : noRoomFor(block, tap, pattern);
  return { squares, weights: product(weight.shape), isDepthwise, noRoom };
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

/** Pruning with one threshold over several weight tensors: how much of each it takes. */

import { kernels } from "../kernels/index.js";
import { asColumns, columnsOf } from "./columns.js";
import type { Pattern } from "./prune.js";
import type { ModelWeight } from "./weights.js";

/**
 * The share of each tensor that goes when the smallest weights of all go, or the smallest blocks by their
 * sums of squares. Of equal ones those of the first tensors go.
 *
 * @param weights f32; read only
 * @param pattern unstructured, 1x4 or 4x4
 * @param sparsity share of all weights, or of all blocks, in [0, 1], rounded up
 * @returns for each tensor a share in [0, 1] that is a whole number of its weights or blocks
 */
export function globalShares(weights: readonly ModelWeight[], pattern: Pattern, sparsity: number): number[] {
  const scores = weights.map((weight) => scoresOf(weight, pattern));
  const total = scores.reduce((sum, { length }) => sum + length, 0);
  const zeros = Math.ceil(sparsity * total - 1e-6); // 0.55 * 100 is above 55
  if (zeros === 0) return weights.map(() => 0);
  const all = new Float32Array(total);
  let at = 0;
  for (const values of scores) {
    all.set(values, at);
    at += values.length;
  }
  const threshold = kernels.kthMagnitude(all, zeros);
  const below = scores.map((values) => count(values, (score) => score < threshold));
  let left = zeros - below.reduce((sum, taken) => sum + taken, 0);
  return scores.map((values, i) => {
    const equal = Math.min(
      left,
      count(values, (score) => score === threshold),
    );
    left -= equal;
    return (below[i] + equal) / values.length;
  });
}

function count(values: Float32Array, matches: (value: number) => boolean): number {
  let found = 0;
  for (let i = 0; i < values.length; i++) if (matches(values[i])) found += 1;
  return found;
}

function scoresOf(weight: ModelWeight, pattern: Pattern): Float32Array {
  const values = (weight.variable.dataSync() as Float32Array).slice();
  if (pattern === "unstructured") return values.map(Math.abs);
  const columns = columnsOf(weight);
  const blockOutputs = pattern === "4x4" ? 4 : 1;
  return asColumns(
    () => values,
    columns,
    (matrix) => blockSquares(matrix(), columns.inputs, columns.outputs, blockOutputs),
  );
}

/** Sum of squares of each block of 4 inputs by some outputs, of a matrix [inputs][outputs]. */
function blockSquares(matrix: Float32Array, inputs: number, outputs: number, blockOutputs: number) {
  const across = Math.ceil(outputs / blockOutputs);
  const squares = new Float32Array(Math.ceil(inputs / 4) * across);
  for (let i = 0; i < inputs; i++) {
    const row = Math.floor(i / 4) * across;
    for (let o = 0; o < outputs; o++) {
      squares[row + Math.floor(o / blockOutputs)] += matrix[i * outputs + o] ** 2;
    }
  }
  return squares;
}

/** A weight tensor as a matrix [inputs][outputs], which is how blocks and channels are meant. */

import type { ModelWeight } from "./weights.js";

export interface Columns {
  /** Products that one output sums. */
  readonly inputs: number;
  readonly outputs: number;
  /** Sizes [outer][outputs][inner] as stored, where the outputs are not the last axis. */
  readonly stored?: { readonly outer: number; readonly inner: number };
}

/**
 * Dense, convolutions and recurrent kernels have their outputs last. A depthwise kernel
 * [...taps][channels][multiplier] sums over its taps only, so both last axes are outputs. A transposed
 * convolution keeps [...taps][outputs][inputs].
 */
export function columnsOf({ role, shape, layerClass }: ModelWeight): Columns {
  const total = product(shape);
  if (role === "depthwise_kernel") {
    const outputs = product(shape.slice(-2));
    return { inputs: total / outputs, outputs };
  }
  if (role === "kernel" && /^Conv\dDTranspose$/.test(layerClass)) {
    const [outputs, inner] = shape.slice(-2);
    return { inputs: total / outputs, outputs, stored: { outer: total / (outputs * inner), inner } };
  }
  const outputs = shape.at(-1) ?? 1;
  return { inputs: total / outputs, outputs };
}

/**
 * Runs f on a weight as [inputs][outputs], in place where it lies so, and by way of a copy otherwise.
 *
 * @param view makes a fresh view of the values: f may allocate, and a memory that grows ends old views
 */
export function asColumns<T>(
  view: () => Float32Array,
  columns: Columns,
  f: (matrix: () => Float32Array) => T,
): T {
  if (!columns.stored) return f(view);
  const matrix = swapAxes(view(), columns.stored.outer, columns.outputs, columns.stored.inner);
  const result = f(() => matrix);
  view().set(asStored(matrix, columns));
  return result;
}

type Numbers = Float32Array | Int8Array | Int16Array | Int32Array;

/** [inputs][outputs] brought to the order in which tfjs stores the weight. */
export function asStored<T extends Numbers>(matrix: T, { outputs, stored }: Columns): T {
  return stored ? swapAxes(matrix, stored.outer, stored.inner, outputs) : matrix;
}

/** [outer][rows][columns] -> [outer][columns][rows]. */
function swapAxes<T extends Numbers>(values: T, outer: number, rows: number, columns: number): T {
  const swapped = values.slice() as T;
  for (let o = 0; o < outer; o++) {
    const begin = o * rows * columns;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) swapped[begin + c * rows + r] = values[begin + r * columns + c];
    }
  }
  return swapped;
}

export function product(shape: readonly number[]): number {
  return shape.reduce((size, dim) => size * dim, 1);
}

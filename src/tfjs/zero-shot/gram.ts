/** The product of a matrix with itself, in f64 and in blocks that stay in the cache. */

import type { Matrix } from "ml-matrix";
import { trainSet } from "../../kernels/train-set.js";
import { openEngine } from "../../wasm/index.js";

/** Columns that the kernel takes side by side. */
const TILE = 4;
/** Rows of x that are taken in at a time. */
const DEPTH = 256;

/**
 * XᵀX.
 *
 * @param x [rows, size]
 * @returns f64[size, size], row by row
 */
export function gram(x: Matrix): Float64Array {
  // A memory of its own, as there may be no tfjs-backend-wasm, and one that goes with the sums.
  const { kernels, heap } = openEngine(trainSet);
  const size = x.columns;
  const tiles = Math.ceil(size / TILE);
  const pitch = tiles * TILE;
  return heap.run((alloc) => {
    const sums = alloc(8 * pitch * pitch);
    const panel = alloc(8 * pitch * DEPTH);
    const view = (address: number, length: number) => new Float64Array(heap.buffer, address, length);
    view(sums, pitch * pitch).fill(0);
    for (let begin = 0; begin < x.rows; begin += DEPTH) {
      const depth = Math.min(DEPTH, x.rows - begin);
      const numbers = view(panel, pitch * depth);
      for (let k = 0; k < depth; k++) {
        const row = x.getRow(begin + k);
        for (let i = 0; i < size; i++) numbers[((i >> 2) * depth + k) * TILE + (i & 3)] = row[i];
      }
      clearRest(numbers, size, depth);
      kernels.f64_gram_add(sums, panel, tiles, depth);
    }
    return mirrored(view(sums, pitch * pitch), pitch, size);
  });
}

/** A last panel of fewer rows has its columns elsewhere: those beyond the last must be zeros there too. */
function clearRest(panel: Float64Array, size: number, depth: number): void {
  for (let i = size; i % TILE !== 0; i++) {
    for (let k = 0; k < depth; k++) panel[((i >> 2) * depth + k) * TILE + (i & 3)] = 0;
  }
}

/** The upper half of sums, on both sides of the diagonal. */
function mirrored(sums: Float64Array, pitch: number, size: number): Float64Array {
  const whole = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = i; k < size; k++) {
      whole[i * size + k] = sums[i * pitch + k];
      whole[k * size + i] = sums[i * pitch + k];
    }
  }
  return whole;
}

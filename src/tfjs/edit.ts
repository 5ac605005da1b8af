/** Changes a weight with pare's kernels: in tfjs' own memory where that is safe, by a copy otherwise. */

import * as tf from "@tensorflow/tfjs-core";
import { createKernels, type Kernels, kernels as ownKernels } from "../kernels/index.js";
import { findHeap, type TfjsHeap } from "./heap.js";

/** Makes a fresh view of the weight's numbers; one from before a kernel call may have ended. */
export type View = () => Float32Array;

/**
 * Lets `edit` change the numbers of a variable; the model sees them from then on.
 *
 * In place, without a copy, where the wasm backend is active, its memory is not shared, and no
 * reshape or tensor given to `setWeights` reads the same buffer. Otherwise the variable gets a new
 * tensor, and the others keep the old numbers.
 *
 * @param variable f32
 * @param edit given a view and the kernels that work on it without copying
 * @returns what `edit` returned, and whether it worked in place
 */
export function editWeight<T>(
  variable: tf.Variable,
  edit: (view: View, kernels: Kernels) => T,
): { readonly result: T; readonly inPlace: boolean } {
  const heap = findHeap();
  const address = heap?.ownAddress(variable);
  const inside = heap && address !== undefined ? kernelsIn(heap) : undefined;
  if (heap && inside && variable.size > 0) {
    const view = () => new Float32Array(heap.memory.buffer as ArrayBuffer, address, variable.size);
    try {
      return { result: edit(view, inside), inPlace: true };
    } finally {
      heap.changed(variable);
    }
  }
  // A slice: the cpu backend hands out its own array, which other tensors may share.
  const values = (variable.dataSync() as Float32Array).slice();
  const result = edit(() => values, ownKernels);
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  return { result, inPlace: false };
}

const opened = new WeakMap<TfjsHeap, Kernels | "none">();

/** Kernels linked to tfjs' memory; undefined where no variant can be. */
function kernelsIn(heap: TfjsHeap): Kernels | undefined {
  let inside = opened.get(heap);
  if (!inside) {
    try {
      const { memory, allocator } = heap;
      inside = createKernels({ host: { memory, allocator } });
    } catch {
      inside = "none";
    }
    opened.set(heap, inside);
  }
  return inside === "none" ? undefined : inside;
}

export function countZeros(values: Float32Array): number {
  let zeros = 0;
  for (let i = 0; i < values.length; i++) zeros += values[i] === 0 ? 1 : 0; // no branch to mispredict
  return zeros;
}

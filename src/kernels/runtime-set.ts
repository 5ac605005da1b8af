/** The kernels of inference: their binaries, their reference and the probe of their values. */

import * as binaries from "../wasm/binaries/runtime.js";
import type { Heap, Kernel, KernelSet, Scope } from "../wasm/index.js";
import { type RuntimeKernel, runtimeReference } from "./reference/runtime/index.js";

export type { RuntimeKernel };
export type RuntimeKernels = Readonly<Record<RuntimeKernel, Kernel>>;

export const runtimeSet: KernelSet<RuntimeKernel> = {
  name: "runtime",
  binaries,
  reference: runtimeReference,
  probe,
  sample,
};

/**
 * Extremes whose answers are known: feature detection alone is not enough, as an engine may accept
 * relaxed SIMD and still return doubled products (Node 20's baseline compiler behind its flag).
 */
function probe(kernels: RuntimeKernels, heap: Heap): boolean {
  const outputs = 4;
  const inputs = 16;
  return heap.run((alloc) => {
    const y = alloc(outputs * 4);
    const x = alloc(inputs);
    const w = alloc(outputs * inputs);
    const cols = alloc(inputs / 2);
    const starts = alloc(8);
    const bias = alloc(outputs * 4);
    heap.u16(cols, inputs / 4).set([0, 1, 2, 3]);
    heap.i32(starts, 2).set([0, inputs / 4]);
    const codes = heap.u8(x, inputs);
    const weights = heap.s8(w, outputs * inputs);
    heap.i32(bias, outputs).set([1, -2, 3, 0]);
    const rows = [
      (_k: number) => -127,
      (_k: number) => 127,
      (k: number) => (k % 2 ? 127 : -127),
      (k: number) => 8 * k - 60,
    ];
    const inputsTried = [(_k: number) => 127, (k: number) => 127 - 8 * k, (k: number) => (k % 3 ? 0 : 64)];
    for (const input of inputsTried) {
      for (let k = 0; k < inputs; k++) codes[k] = input(k);
      // [k / 4][output][k % 4]
      rows.forEach((row, n) => {
        for (let k = 0; k < inputs; k++) weights[((k >> 2) * outputs + n) * 4 + (k & 3)] = row(k);
      });
      kernels.u7_s8w_matvec_4x4(y, x, w, cols, starts, bias, 1);
      const got = heap.i32(y, outputs);
      for (let n = 0; n < outputs; n++) {
        let wanted = [1, -2, 3, 0][n];
        for (let k = 0; k < inputs; k++) wanted += rows[n](k) * input(k);
        if (got[n] !== wanted) return false;
      }
    }
    return true;
  });
}

/** A matrix-vector product that stays in the L1 cache: 4 x 32 blocks of 16 x 4. */
function sample(kernels: RuntimeKernels, heap: Heap, alloc: Scope): () => void {
  const [n16, k4] = [4, 32];
  const blocks = n16 * k4;
  const [y, w, cols, bias, pairs] = [n16 * 64, blocks * 64, blocks * 2, n16 * 64, n16 * 4].map(alloc);
  heap.u8(w, blocks * 64).fill(1);
  heap.u16(cols, blocks).fill(0);
  heap.i32(bias, n16 * 16).fill(1);
  heap.i32(pairs, n16).set([k4, 2 * k4, 3 * k4, blocks]);
  return () => {
    for (let i = 0; i < 8; i++) kernels.u7_s8w_matvec(y, w, w, cols, pairs, bias, n16, k4);
  };
}

/** The kernels that work on weights: their binaries, their reference and the probe of their values. */

import * as binaries from "../wasm/binaries/train.js";
import type { Heap, Kernel, KernelSet } from "../wasm/index.js";
import { type TrainKernel, trainReference } from "./reference/train/index.js";

export type { TrainKernel };
export type TrainKernels = Readonly<Record<TrainKernel, Kernel>>;

export const trainSet: KernelSet<TrainKernel> = {
  name: "train",
  binaries,
  reference: trainReference,
  probe,
};

const weights = [0.5, -0.25, 3, -7, 0, 0.125, -0.5, 2, 1, -1, 6, 0.75, -3, 4, -0.125, 8, 5];

/** Known answers, of a kernel that shuffles (relaxed in the relaxed binary), one that rounds, one that prunes. */
function probe(kernels: TrainKernels, heap: Heap): boolean {
  const n = weights.length;
  return heap.run((alloc) => {
    const w = alloc(n * 4);
    const out = alloc((n + 4) * 4);
    const found = alloc(8);
    const scratch = alloc(8192);
    const counts = alloc(8);
    const divisor = alloc(n * 4);
    const codes = alloc(n);
    heap.f32(w, n).set(weights);
    heap.f32(divisor, n).fill(0.5);
    heap.i32(found, 2).fill(0);
    heap.i32(counts, 2).fill(0);

    kernels.f32_magnitudes_between(out, found, w, n, bitsOf(0.5), bitsOf(3), scratch);
    const between = heap.f32(out, 6).join() === "0.5,0.5,2,1,1,0.75" && heap.i32(found, 2).join() === "4,6";
    kernels.f32_kth_magnitude(found, w, n, 8, scratch);
    const selected = heap.i32(found, 2).join() === `${bitsOf(1)},7`;
    kernels.f32_s8_quantize(codes, counts, w, divisor, n, n, 2);
    const quantized = heap.s8(codes, n).join() === "1,0,6,-14,0,0,-1,4,2,-2,12,2,-6,8,0,16,10";
    const zeroed = kernels.f32_prune(w, n, 1);
    const pruned = zeroed === 6 && heap.f32(w, n).join() === "0,0,3,-7,0,0,0,2,1,-1,6,0,-3,4,0,8,5";
    return between && selected && quantized && pruned;
  });
}

function bitsOf(x: number): number {
  return new Int32Array(Float32Array.of(x).buffer)[0];
}

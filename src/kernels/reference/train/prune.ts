/** Plain-loop oracles of pruning by threshold. */

import type { Heap, Kernel } from "../../../wasm/index.js";

export function pruneKernels(heap: Heap) {
  const f32_prune: Kernel = (w, n, threshold) => {
    const weights = heap.f32(w, n);
    let zeroed = 0;
    for (let i = 0; i < n; i++) {
      // Not `!(... >= threshold)`: NaN is kept.
      if (!(Math.abs(weights[i]) < threshold)) continue;
      if (weights[i] !== 0) zeroed += 1;
      weights[i] = 0;
    }
    return zeroed;
  };

  const f32_prune_signed: Kernel = (w, n, threshold) => {
    const weights = heap.f32(w, n);
    let zeroed = 0;
    for (let i = 0; i < n; i++) {
      if (!(weights[i] < threshold)) continue;
      if (weights[i] !== 0) zeroed += 1;
      weights[i] = 0;
    }
    return zeroed;
  };

  const f32_prune_ties: Kernel = (w, n, threshold, ties) => {
    const weights = heap.f32(w, n);
    let zeroed = 0;
    for (let i = 0; i < n && zeroed < ties; i++) {
      if (Math.abs(weights[i]) !== threshold) continue;
      weights[i] = 0;
      zeroed += 1;
    }
    return zeroed;
  };

  return { f32_prune, f32_prune_signed, f32_prune_ties };
}

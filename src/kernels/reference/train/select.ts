/** Oracles of selection: by sorting, which needs no proof. */

import type { Heap, Kernel } from "../../../wasm/index.js";

const MAGNITUDE = 0x7fffffff;

export function selectKernels(heap: Heap) {
  const f32_kth_magnitude: Kernel = (found, w, n, k, _bins) => {
    const sorted = heap
      .i32(w, n)
      .map((bits) => bits & MAGNITUDE)
      .sort();
    const kth = sorted[k - 1];
    heap.i32(found, 2).set([kth, sorted.indexOf(kth)]);
    return 0;
  };

  const f32_magnitudes_between: Kernel = (out, found, w, n, low, high, _table) => {
    const counts = heap.i32(found, 2);
    const bits = heap.i32(w, n);
    const kept = heap.i32(out, counts[1] + n + 4);
    for (let i = 0; i < n; i++) {
      const magnitude = bits[i] & MAGNITUDE;
      if (magnitude < low) counts[0] += 1;
      else if (magnitude < high) {
        kept[counts[1]] = magnitude;
        counts[1] += 1;
      }
    }
    kept.fill(0, counts[1], counts[1] + 4);
    return 0;
  };

  return { f32_kth_magnitude, f32_magnitudes_between };
}

/** Plain-loop oracles of the statistics. Comparisons are written so that NaN is passed over. */

import type { Heap, Kernel } from "../../../wasm/index.js";

const f = Math.fround;

export function statisticsKernels(heap: Heap) {
  const f32_abs_max: Kernel = (w, n) => {
    let highest = 0;
    for (const weight of heap.f32(w, n)) if (Math.abs(weight) > highest) highest = Math.abs(weight);
    return highest;
  };

  const f32_abs_max_rows: Kernel = (y, w, n, period) => {
    const out = heap.f32(y, period);
    heap.f32(w, n).forEach((weight, i) => {
      if (Math.abs(weight) > out[i % period]) out[i % period] = Math.abs(weight);
    });
    return 0;
  };

  const f32_min_max: Kernel = (range, w, n) => {
    const out = heap.f32(range, 2);
    for (const weight of heap.f32(w, n)) {
      if (weight < out[0]) out[0] = weight;
      if (weight > out[1]) out[1] = weight;
    }
    // -0 + 0 is 0
    out[0] += 0;
    out[1] += 0;
    return 0;
  };

  const f32_histogram: Kernel = (counts, w, n, bins, low, high, inverse) => {
    const out = heap.i32(counts, bins + 3);
    for (const weight of heap.f32(w, n)) {
      if (weight < low) out[bins] += 1;
      else if (weight > high) out[bins + 1] += 1;
      else if (Number.isNaN(weight)) out[bins + 2] += 1;
      else out[Math.min(Math.floor(f(f(weight - low) * inverse)), bins - 1)] += 1;
    }
    return 0;
  };

  return { f32_abs_max, f32_abs_max_rows, f32_min_max, f32_histogram };
}

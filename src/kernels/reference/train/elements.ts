/** What goes over tensors number by number in training. */

import type { Heap } from "../../../wasm/index.js";

export function elementKernels(heap: Heap) {
  return { f32_sum_rows, f32_compare, u8_and };

  function f32_sum_rows(y: number, x: number, m: number, n: number, scale: number): number {
    const rows = heap.f32(x, m * n);
    const sums = new Float64Array(n);
    for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) sums[j] += rows[i * n + j];
    heap.f32(y, n).set(sums.map((sum) => sum * Math.fround(scale)));
    return 0;
  }

  function f32_compare(y: number, x: number, n: number, bound: number, less: number): number {
    const values = heap.f32(x, n);
    const limit = Math.fround(bound);
    heap.u8(y, n).set(Array.from(values, (value) => +(less ? value <= limit : value >= limit)));
    return 0;
  }

  function u8_and(y: number, a: number, b: number, n: number): number {
    const [left, right] = [heap.u8(a, n), heap.u8(b, n)];
    heap.u8(y, n).set(left.map((value, i) => value & right[i]));
    return 0;
  }
}

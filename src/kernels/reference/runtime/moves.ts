/** Oracles of the f32 kernels that move words: bits are copied, so that a NaN keeps its own. */

import type { Heap, Kernel } from "../../../wasm/index.js";

export function moveKernels(heap: Heap) {
  const views = () => ({ f32: new Float32Array(heap.buffer), i32: new Int32Array(heap.buffer) });

  const f32_frame: Kernel = (y, x, rows, n, top, bottom, left, right, value) => {
    const { i32, f32 } = views();
    const width = left + n + right;
    f32.fill(value, y / 4, y / 4 + (top + rows + bottom) * width);
    for (let row = 0; row < rows; row++) {
      const from = x / 4 + row * n;
      i32.copyWithin(y / 4 + (top + row) * width + left, from, from + n);
    }
    return 0;
  };

  const f32_copy_rows: Kernel = (y, x, rows, n, yRow, xRow) => {
    const { i32 } = views();
    for (let row = 0; row < rows; row++) {
      const from = x / 4 + row * xRow;
      i32.copyWithin(y / 4 + row * yRow, from, from + n);
    }
    return 0;
  };

  const f32_gather: Kernel = (y, x, index, rows, n, run, xRow, value) => {
    const { i32, f32 } = views();
    for (let i = 0; i < rows * n; i++) {
      const place = i32[index / 4 + (i % n)];
      const from = x / 4 + Math.floor(i / n) * xRow + place;
      const to = y / 4 + i * run;
      if (place < 0) f32.fill(value, to, to + run);
      else i32.copyWithin(to, from, from + run);
    }
    return 0;
  };

  const f32_embedding: Kernel = (y, x, table, scale, m, n, rows) => {
    const { f32 } = views();
    const codes = new Int8Array(heap.buffer);
    for (let i = 0; i < m; i++) {
      const number = f32[x / 4 + i];
      const row = number > -1 && number < rows ? Math.trunc(number) : -1;
      for (let j = 0; j < n; j++) {
        const to = y / 4 + i * n + j;
        if (row < 0) f32[to] = 0;
        else if (scale) f32[to] = codes[table + row * n + j] * f32[scale / 4 + j];
        else f32[to] = f32[table / 4 + row * n + j];
      }
    }
    return 0;
  };

  return { f32_copy_rows, f32_embedding, f32_frame, f32_gather };
}

/** Plain-loop oracles of the s8 x u7 kernels; the same signatures as the binaries'. */

import type { Heap, Kernel } from "../../../wasm/index.js";
import { requantizer, roundHalfEven } from "./requantize.js";

// Blocks of 4 inputs: the sum of w[4] . x[4].
function dot4(s8: Int8Array, w: number, u8: Uint8Array, x: number): number {
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += s8[w + i] * u8[x + i];
  return sum;
}

export function integerKernels(heap: Heap) {
  const views = () => ({
    u8: new Uint8Array(heap.buffer),
    s8: new Int8Array(heap.buffer),
    u16: new Uint16Array(heap.buffer),
    i32: new Int32Array(heap.buffer),
    f32: new Float32Array(heap.buffer),
  });

  const u7_s8w_matvec: Kernel = (y, x, w, cols, _pairs, bias, n16, k4) => {
    const { u8, s8, u16, i32 } = views();
    for (let n = 0; n < n16 * 16; n++) {
      let sum = i32[bias / 4 + n];
      for (let block = (n >> 4) * k4; block < ((n >> 4) + 1) * k4; block++) {
        sum += dot4(s8, w + block * 64 + (n & 15) * 4, u8, x + u16[cols / 2 + block] * 4);
      }
      i32[y / 4 + n] = sum;
    }
    return 0;
  };

  const u7_s8w_matvec_4x4: Kernel = (y, x, w, cols, starts, bias, n4) => {
    const { u8, s8, u16, i32 } = views();
    for (let n = 0; n < n4 * 4; n++) {
      let sum = i32[bias / 4 + n];
      for (let block = i32[starts / 4 + (n >> 2)]; block < i32[starts / 4 + (n >> 2) + 1]; block++) {
        sum += dot4(s8, w + block * 16 + (n & 3) * 4, u8, x + u16[cols / 2 + block] * 4);
      }
      i32[y / 4 + n] = sum;
    }
    return 0;
  };

  const u7_s8w_matvec_1x4: Kernel = (y, x, w, cols, starts, bias, n) => {
    const { u8, s8, u16, i32 } = views();
    for (let row = 0; row < n; row++) {
      let sum = i32[bias / 4 + row];
      for (let block = i32[starts / 4 + row]; block < i32[starts / 4 + row + 1]; block++) {
        sum += dot4(s8, w + block * 4, u8, x + u16[cols / 2 + block] * 4);
      }
      i32[y / 4 + row] = sum;
    }
    return 0;
  };

  const u7_s8w_matvec_4of16: Kernel = (y, x, w, lanes, bias, n4, k16) => {
    const { i32 } = views();
    for (let n = 0; n < n4 * 4; n++) i32[y / 4 + n] = i32[bias / 4 + n] + sum4of16(n, x, w, lanes, k16);
    return 0;
  };

  function sum4of16(n: number, x: number, w: number, lanes: number, k16: number): number {
    const { u8, s8 } = views();
    let sum = 0;
    for (let k = 0; k < k16; k++) {
      for (let kept = 0; kept < 4; kept++) {
        const at = (((n >> 2) * k16 + k) * 4 + (n & 3)) * 4 + kept;
        sum += s8[w + at] * u8[x + k * 16 + u8[lanes + at]];
      }
    }
    return sum;
  }

  // What the two products in C4 share: `rows` outputs a block, and 0 in channels past the last output.
  /** @param rows as src/kernels/layouts.ts packs them, with blocks of `size` outputs */
  const spmm = (
    size: number,
    outputs: number,
    y: number,
    x: number,
    rows: number,
    post: number,
    tiles: Int32Array,
    yStride: number,
  ) => {
    const { u8, s8, i32, f32 } = views();
    const code = requantizer(heap, post);
    let at = rows / 4;
    for (let n = 0; n < outputs || n % 4 !== 0; n++) {
      const row = n % size;
      const [paired, bytes] = [i32[at + size], i32[at + size + 1]];
      const first = at + size + 2;
      const end = first + bytes / 4;
      for (let pixel = 0; pixel < tiles.length * 4; pixel++) {
        const tile = (pixel >> 3) * 2;
        const [from, to] = [tiles[tile], tiles[tile + 1]].map((start) => start + (pixel & 7) * 4);
        let sum = i32[at + row];
        for (
          let block = first, stop = paired < 0 ? first : end;
          n < outputs && block < end;
          block += size + 1
        ) {
          if (block === stop) stop = block + i32[block++] / 4 + 1;
          sum += dot4(s8, (block + row) * 4, u8, x + from + i32[block + size]);
        }
        u8[y + to + (n >> 2) * yStride + (n & 3)] = n < outputs ? code(sum, f32[end + row]) : 0;
      }
      if (row === size - 1) at = end + size;
    }
    return 0;
  };

  const u7_s8w_f32_spmm: Kernel = (y, x, w, offsets, bias, mult, tiles, m4, blocks, n) => {
    const { u8, s8, i32, f32 } = views();
    for (let tile = 0; tile < m4; tile++) {
      const [from, to, count] = i32.subarray(tiles / 4 + tile * 3, tiles / 4 + tile * 3 + 3);
      for (let pixel = 0; pixel < count; pixel++) {
        for (let row = 0; row < n; row++) {
          let sum = i32[bias / 4 + row];
          for (let block = 0; block < blocks; block++) {
            const at = w + (((row >> 2) * blocks + block) * 4 + (row & 3)) * 4;
            sum += dot4(s8, at, u8, x + from + i32[offsets / 4 + block] + pixel * 4);
          }
          f32[(y + to) / 4 + pixel * n + row] = Math.fround(sum) * f32[mult / 4 + row];
        }
      }
    }
    return 0;
  };

  const u7_s8w_spmm_4x4: Kernel = (y, x, rows, post, tiles, m8, n4, yStride) =>
    spmm(4, n4 * 4, y, x, rows, post, heap.i32(tiles, m8 * 2), yStride);

  const u7_s8w_spmm_1x4: Kernel = (y, x, rows, post, _scratch, tiles, m8, n, yStride) =>
    spmm(1, n, y, x, rows, post, heap.i32(tiles, m8 * 2), yStride);

  const i32_u7_requantize: Kernel = (y, acc, mult, post, n4) => {
    const { u8, i32, f32 } = views();
    const code = requantizer(heap, post);
    for (let n = 0; n < n4 * 4; n++) u8[y + n] = code(i32[acc / 4 + n], f32[mult / 4 + n]);
    return 0;
  };

  const i32_f32_dequantize: Kernel = (y, acc, mult, n4) => {
    const { i32, f32 } = views();
    for (let n = 0; n < n4 * 4; n++) f32[y / 4 + n] = Math.fround(i32[acc / 4 + n]) * f32[mult / 4 + n];
    return 0;
  };

  const codeOf = (real: number, zero: number) =>
    Number.isNaN(real) ? 0 : Math.min(Math.max(roundHalfEven(real) + zero, 0), 127);

  const f32_u7_quantize: Kernel = (q, x, n, inverse, zero) => {
    const { u8 } = views();
    const f32 = new DataView(heap.buffer);
    for (let i = 0; i < n; i++) {
      u8[q + i] = codeOf(Math.fround(f32.getFloat32(x + i * 4, true) * Math.fround(inverse)), zero);
    }
    return 0;
  };

  const f32_u7_halves: Kernel = (q, x, _lanes, m, n, scale, shift, zero) => {
    const { u8, f32 } = views();
    for (let i = 0; i < 2 * m * n; i++) {
      const [row, c] = [Math.floor(i / (2 * n)), i % (2 * n)];
      const real = Math.fround(f32[x / 4 + row * n + (c % n)] * Math.fround(scale));
      u8[q + i] = codeOf(Math.fround(real + Math.fround(c < n ? shift : -shift)), zero);
    }
    return 0;
  };

  const u7_f32_dequantize: Kernel = (x, q, n, scale, zero) => {
    const { u8, f32 } = views();
    for (let i = 0; i < n; i++) f32[x / 4 + i] = (u8[q + i] - zero) * Math.fround(scale);
    return 0;
  };

  const u7_table: Kernel = (y, x, table, n) => {
    const { u8 } = views();
    for (let i = 0; i < n; i++) u8[y + i] = u8[table + u8[x + i]];
    return 0;
  };

  const u7_rows_c4: Kernel = (y, x, m, k4, xStride, yStride) => {
    const { u8 } = views();
    for (let pixel = 0; pixel < m; pixel++) {
      for (let k = 0; k < k4 * 4; k++)
        u8[y + (k >> 2) * yStride + pixel * 4 + (k & 3)] = u8[x + pixel * xStride + k];
    }
    return 0;
  };

  const u7_c4_rows: Kernel = (y, x, m, k4, xStride, yStride) => {
    const { u8 } = views();
    for (let pixel = 0; pixel < m; pixel++) {
      for (let k = 0; k < k4 * 4; k++)
        u8[y + pixel * yStride + k] = u8[x + (k >> 2) * xStride + pixel * 4 + (k & 3)];
    }
    return 0;
  };

  return {
    f32_u7_halves,
    f32_u7_quantize,
    i32_f32_dequantize,
    i32_u7_requantize,
    u7_c4_rows,
    u7_f32_dequantize,
    u7_rows_c4,
    u7_s8w_f32_spmm,
    u7_s8w_matvec,
    u7_s8w_matvec_1x4,
    u7_s8w_matvec_4of16,
    u7_s8w_matvec_4x4,
    u7_s8w_spmm_1x4,
    u7_s8w_spmm_4x4,
    u7_table,
  };
}

/** Plain-loop oracles of the kernels on u7 planes; the same signatures as the binaries'. */

import type { Heap, Kernel } from "../../../wasm/index.js";
import { requantizer } from "./requantize.js";

export function planeKernels(heap: Heap) {
  const views = () => ({
    u8: new Uint8Array(heap.buffer),
    s8: new Int8Array(heap.buffer),
    i32: new Int32Array(heap.buffer),
    f32: new Float32Array(heap.buffer),
  });

  const u7_pad: Kernel = (...args) => {
    const [y, x, planes, height, width, top, bottom, left, right, code, xStride, yStride] = args;
    const { u8 } = views();
    const pitch = left + width + right;
    for (let plane = 0; plane < planes; plane++) {
      const to = y + plane * yStride;
      u8.fill(code, to, to + (top + height + bottom) * pitch);
      for (let row = 0; row < height; row++) {
        const from = x + plane * xStride + row * width;
        u8.copyWithin(to + (top + row) * pitch + left, from, from + width);
      }
    }
    return 0;
  };

  const u7_rows_words: Kernel = (y, x, rows, columns, groups, step, xRow, yRow, yStride) => {
    const { u8 } = views();
    for (let group = 0; group < groups; group++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const from = x + row * xRow + column * step + group * 4;
          u8.copyWithin(y + group * yStride + row * yRow + column * 4, from, from + 4);
        }
      }
    }
    return 0;
  };

  // Visits the 4 pixels x 4 channels of every tile of every plane.
  const overTiles = (
    [y, x, tiles, m4, c4, xStride, yStride, step = 4]: readonly number[],
    visit: (channel: number, from: number, to: number) => void,
  ) => {
    const { i32 } = views();
    for (let plane = 0; plane < c4; plane++) {
      for (let tile = 0; tile < m4; tile++) {
        for (let i = 0; i < 16; i++) {
          const from = x + plane * xStride + i32[tiles / 4 + tile * 2] + (i >> 2) * step + (i & 3);
          const to = y + plane * yStride + i32[tiles / 4 + tile * 2 + 1] + i;
          visit(plane * 4 + (i & 3), from, to);
        }
      }
    }
    return 0;
  };

  const u7_s8w_depthwise: Kernel = (...args) => {
    const [y, x, w, offsets, bias, mult, post, tiles, m4, c4, steps, xStride, yStride] = args;
    const { u8, s8, i32, f32 } = views();
    const code = requantizer(heap, post);
    return overTiles([y, x, tiles, m4, c4, xStride, yStride], (channel, from, to) => {
      let sum = i32[bias / 4 + channel];
      for (let tap = 0; tap < steps * 4; tap++) {
        const at = (((channel >> 2) * steps + (tap >> 2)) * 4 + (channel & 3)) * 4 + (tap & 3);
        sum += s8[w + at] * u8[from + i32[offsets / 4 + tap]];
      }
      u8[to] = code(sum, f32[mult / 4 + channel]);
    });
  };

  const u7_s8w_depthwise_3x3: Kernel = (...args) => {
    const [y, x, w, bias, mult, post, tiles, m4, c4, xPitch, yPitch, xStride, yStride] = args;
    const { u8, s8, i32, f32 } = views();
    const code = requantizer(heap, post);
    return overTiles([y, x, tiles, m4, c4, xStride, yStride], (channel, from, to) => {
      for (let result = 0; result < 2; result++) {
        let sum = i32[bias / 4 + channel];
        for (let tap = 0; tap < 12; tap++) {
          const [column, row] = [tap >> 2, tap & 3];
          const at = w + (((channel >> 2) * 2 + result) * 3 + column) * 16 + (channel & 3) * 4 + row;
          sum += s8[at] * u8[from + row * xPitch + column * 4];
        }
        u8[to + result * yPitch] = code(sum, f32[mult / 4 + channel]);
      }
    });
  };

  const u7_c4_max_pool: Kernel = (y, x, offsets, tiles, m4, c4, taps, xStride, yStride, step) => {
    const { u8, i32 } = views();
    return overTiles([y, x, tiles, m4, c4, xStride, yStride, step], (_channel, from, to) => {
      let most = 0;
      for (let tap = 0; tap < taps; tap++) most = Math.max(most, u8[from + i32[offsets / 4 + tap]]);
      u8[to] = most;
    });
  };

  const u7_c4_average_pool: Kernel = (...args) => {
    const [y, x, offsets, post, tiles, m4, c4, taps, xStride, yStride, step, offset, mult] = args;
    const { u8, i32 } = views();
    const code = requantizer(heap, post);
    return overTiles([y, x, tiles, m4, c4, xStride, yStride, step], (_channel, from, to) => {
      let sum = offset;
      for (let tap = 0; tap < taps; tap++) sum += u8[from + i32[offsets / 4 + tap]];
      u8[to] = code(sum, Math.fround(mult));
    });
  };

  const u7_c4_fold: Kernel = (x, pixels, bits, next) => {
    const { u8 } = views();
    const own = bits / 8;
    // As vectors of 4 pixels are.
    for (let at = x; at < x + Math.ceil(pixels / 4) * 16; at += 4) {
      for (let lane = 3; lane >= own; lane--) u8[at + lane] = u8[at + next + lane - own];
    }
    return 0;
  };

  const u7_c4_sum: Kernel = (y, x, pixels, c4, xStride, offset) => {
    const { u8, i32 } = views();
    for (let channel = 0; channel < c4 * 4; channel++) {
      let sum = offset;
      for (let pixel = 0; pixel < pixels; pixel++) {
        sum += u8[x + (channel >> 2) * xStride + pixel * 4 + (channel & 3)];
      }
      i32[y / 4 + channel] = sum;
    }
    return 0;
  };

  const u7_add: Kernel = (y, a, b, post, n, multA, multB, offset, mult) => {
    const { u8 } = views();
    const code = requantizer(heap, post);
    for (let i = 0; i < Math.ceil(n / 16) * 16; i++) {
      u8[y + i] = code(u8[a + i] * multA + u8[b + i] * multB + offset, Math.fround(mult));
    }
    return 0;
  };

  return {
    u7_add,
    u7_c4_average_pool,
    u7_c4_max_pool,
    u7_c4_fold,
    u7_c4_sum,
    u7_pad,
    u7_rows_words,
    u7_s8w_depthwise,
    u7_s8w_depthwise_3x3,
  };
}

/** Plain-loop oracle of the integer Winograd convolution: the weights taken back, then nine taps as ever. */

import type { Heap, Kernel } from "../../../wasm/index.js";
import { requantizer } from "./requantize.js";

// Of 3 weights a, b, c came 2a, a + b + c, a - b + c, 2c: which of twice a, b, c each is a part of, and its sign.
const places = [0, 1, 1, 2];
const signs = [1, 1, -1, 1];

export function winogradKernels(heap: Heap) {
  const u7_s16w_winograd_3x3: Kernel = (...args) => {
    const [y, x, w, bias, mult, post, , tiles, m, k4, n4, xPitch, yPitch, xStride, yStride] = args;
    const u8 = new Uint8Array(heap.buffer);
    const i32 = new Int32Array(heap.buffer);
    const f32 = new Float32Array(heap.buffer);
    const s16 = new Int16Array(heap.buffer);
    const code = requantizer(heap, post);
    for (let n = 0; n < n4 * 4; n++) {
      // parts of 4 times a weight, and the bytes from a pixel to what they multiply
      const parts: [number, number][] = [];
      for (let part = 0; part < 16; part++) {
        const [row, column] = [part >> 2, part & 3];
        for (let k = 0; k < k4 * 4; k++) {
          const at = w / 2 + (((n >> 2) * 16 + part) * k4 + (k >> 2)) * 16 + (n & 3) * 4 + (k & 3);
          const tap = (k >> 2) * xStride + places[row] * xPitch + places[column] * 4 + (k & 3);
          parts.push([s16[at] * signs[row] * signs[column], tap]);
        }
      }
      for (let tile = 0; tile < m; tile++) {
        const from = x + i32[tiles / 4 + tile * 2];
        const to = y + i32[tiles / 4 + tile * 2 + 1] + (n >> 2) * yStride + (n & 3);
        for (let pixel = 0; pixel < 16; pixel++) {
          const [row, column] = [pixel >> 3, (pixel & 7) * 4];
          let sum = i32[bias / 4 + n];
          for (const [weight, tap] of parts) sum += weight * u8[from + row * xPitch + column + tap];
          u8[to + row * yPitch + column] = code(sum, f32[mult / 4 + n]);
        }
      }
    }
    return 0;
  };
  return { u7_s16w_winograd_3x3 };
}

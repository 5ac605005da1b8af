/** Oracles of the f32 kernels that slide windows over images: the places and taps of assembly/f32_conv2d.ts. */

import type { Heap, Kernel } from "../../../wasm/index.js";
import { bound } from "./math.js";

const f = Math.fround;

export function windowKernels(heap: Heap) {
  const views = () => ({ f32: new Float32Array(heap.buffer), i32: new Int32Array(heap.buffer) });

  const f32_conv2d: Kernel = (y, x, w, bias, places, taps, m, t, k, n, low, high) => {
    const { f32, i32 } = views();
    for (let pixel = 0; pixel < m; pixel++) {
      const [from, to] = [i32[places / 4 + pixel * 2], i32[places / 4 + pixel * 2 + 1]];
      for (let j = 0; j < n; j++) {
        const weights = w / 4 + (j >> 3) * t * k * 8 + (j % 8);
        let sum = f32[bias / 4 + j];
        for (let tap = 0; tap < t; tap++) {
          const window = (x + from + i32[taps / 4 + tap]) / 4;
          for (let p = 0; p < k; p++) sum = f(sum + f(f32[window + p] * f32[weights + (tap * k + p) * 8]));
        }
        f32[(y + to) / 4 + j] = bound(sum, low, high);
      }
    }
    return 0;
  };

  const f32_depthwise: Kernel = (y, x, w, bias, places, taps, m, t, n, low, high) => {
    const { f32, i32 } = views();
    const row = Math.ceil(n / 4) * 4;
    for (let pixel = 0; pixel < m; pixel++) {
      const [from, to] = [i32[places / 4 + pixel * 2], i32[places / 4 + pixel * 2 + 1]];
      for (let c = 0; c < n; c++) {
        let sum = f32[bias / 4 + c];
        for (let tap = 0; tap < t; tap++) {
          const value = f32[(x + from + i32[taps / 4 + tap]) / 4 + c];
          sum = f(sum + f(f32[w / 4 + tap * row + c] * value));
        }
        f32[(y + to) / 4 + c] = bound(sum, low, high);
      }
    }
    return 0;
  };

  const f32_max_pool: Kernel = (y, x, places, taps, m, t, n) => {
    const { f32, i32 } = views();
    for (let pixel = 0; pixel < m; pixel++) {
      const [from, to] = [i32[places / 4 + pixel * 2], i32[places / 4 + pixel * 2 + 1]];
      for (let c = 0; c < n; c++) {
        let top = Number.NEGATIVE_INFINITY;
        for (let tap = 0; tap < t; tap++) {
          const value = f32[(x + from + i32[taps / 4 + tap]) / 4 + c];
          if (top < value) top = value;
        }
        f32[(y + to) / 4 + c] = top;
      }
    }
    return 0;
  };

  const f32_resize_bilinear: Kernel = (y, x, down, across, h, w, n) => {
    const { f32, i32 } = views();
    const between = (a: number, b: number, share: number) => f(a + f(f(b - a) * share));
    for (let row = 0; row < h; row++) {
      const d = down / 4 + row * 3;
      for (let column = 0; column < w; column++) {
        const a = across / 4 + column * 3;
        for (let c = 0; c < n; c++) {
          const at = (edge: number, side: number) => f32[(x + edge + side) / 4 + c];
          const along = (edge: number) => between(at(edge, i32[a]), at(edge, i32[a + 1]), f32[a + 2]);
          f32[y / 4 + (row * w + column) * n + c] = between(along(i32[d]), along(i32[d + 1]), f32[d + 2]);
        }
      }
    }
    return 0;
  };

  return { f32_conv2d, f32_depthwise, f32_max_pool, f32_resize_bilinear };
}

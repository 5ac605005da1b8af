/** Products and gradients of training in plain loops, as the files of assembly/ say. */

import type { Heap } from "../../../wasm/index.js";
import { eachTap, filterSize, outputSize, pictureSize, readWindow, type Window } from "./windows.js";

export function gradientKernels(heap: Heap) {
  return {
    f32_gemm,
    f32_patches,
    f32_patches_add,
    f32_depthwise_input_gradient,
    f32_depthwise_filter_gradient,
    f32_max_pool_gradient,
  };

  function f32_gemm(c: number, a: number, b: number, ...sizes: number[]): number {
    const [m, n, k, cRow, aRow, aCol, bRow, bCol, adds] = sizes;
    if (m === 0 || n === 0) return 0;
    const y = heap.f32(c, (m - 1) * cRow + n);
    const x = heap.f32(a, k && (m - 1) * aRow + (k - 1) * aCol + 1);
    const w = heap.f32(b, k && (k - 1) * bRow + (n - 1) * bCol + 1);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = adds ? y[i * cRow + j] : 0;
        for (let p = 0; p < k; p++) sum += x[i * aRow + p * aCol] * w[p * bRow + j * bCol];
        y[i * cRow + j] = sum;
      }
    }
    return 0;
  }

  function f32_patches(p: number, x: number, window: number, from: number, count: number): number {
    const shape = readWindow(heap, window);
    const { channels } = shape;
    const patches = heap.f32(p, count * shape.kernelHeight * shape.kernelWidth * channels);
    const pictures = heap.f32(x, pictureSize(shape));
    let to = 0;
    eachTap(shape, from, count, (_output, _tap, pixel) => {
      for (let c = 0; c < channels; c++) patches[to++] = pixel < 0 ? 0 : pictures[pixel * channels + c];
    });
    return 0;
  }

  function f32_patches_add(x: number, p: number, window: number, from: number, count: number): number {
    const shape = readWindow(heap, window);
    const { channels } = shape;
    const patches = heap.f32(p, count * shape.kernelHeight * shape.kernelWidth * channels);
    const pictures = heap.f32(x, pictureSize(shape));
    let next = 0;
    eachTap(shape, from, count, (_output, _tap, pixel) => {
      for (let c = 0; c < channels; c++, next++) {
        if (pixel >= 0) pictures[pixel * channels + c] += patches[next];
      }
    });
    return 0;
  }

  function f32_depthwise_input_gradient(dx: number, dy: number, w: number, window: number): number {
    const shape = readWindow(heap, window);
    const g = heap.f32(dy, outputSize(shape));
    const filter = heap.f32(w, filterSize(shape));
    const sums = new Float64Array(pictureSize(shape));
    eachProduct(shape, (input, output, weight) => {
      sums[input] += g[output] * filter[weight];
    });
    heap.f32(dx, sums.length).set(sums);
    return 0;
  }

  function f32_depthwise_filter_gradient(dw: number, x: number, dy: number, window: number): number {
    const shape = readWindow(heap, window);
    const g = heap.f32(dy, outputSize(shape));
    const pictures = heap.f32(x, pictureSize(shape));
    const sums = new Float64Array(filterSize(shape));
    eachProduct(shape, (input, output, weight) => {
      sums[weight] += pictures[input] * g[output];
    });
    heap.f32(dw, sums.length).set(sums);
    return 0;
  }

  function f32_max_pool_gradient(dx: number, x: number, dy: number, window: number): number {
    const shape = readWindow(heap, window);
    const { batch, outHeight, outWidth, channels, kernelHeight, kernelWidth } = shape;
    const outputs = batch * outHeight * outWidth;
    const pictures = heap.f32(x, pictureSize(shape));
    const g = heap.f32(dy, outputs * channels);
    const slopes = heap.f32(dx, pictures.length).fill(0);
    const largest = new Float64Array(channels);
    const place = new Int32Array(channels);
    eachTap(shape, 0, outputs, (output, tap, pixel) => {
      for (let c = 0; c < channels; c++) {
        const at = pixel * channels + c;
        if (tap === 0) {
          largest[c] = -Infinity;
          place[c] = -1;
        }
        if (pixel >= 0 && pictures[at] > largest[c]) {
          largest[c] = pictures[at];
          place[c] = at;
        }
        if (tap === kernelHeight * kernelWidth - 1 && place[c] >= 0)
          slopes[place[c]] += g[output * channels + c];
      }
    });
    return 0;
  }
}

/** The products of a depthwise convolution: numbers of an input, an output and a weight. */
function eachProduct(shape: Window, visit: (input: number, output: number, weight: number) => void): void {
  const { batch, outHeight, outWidth, channels, outChannels } = shape;
  eachTap(shape, 0, batch * outHeight * outWidth, (at, tap, pixel) => {
    if (pixel < 0) return;
    for (let c = 0; c < channels; c++) {
      for (let o = 0; o < outChannels; o++) {
        visit(
          pixel * channels + c,
          (at * channels + c) * outChannels + o,
          (tap * channels + c) * outChannels + o,
        );
      }
    }
  });
}

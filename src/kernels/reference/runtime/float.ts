/** Plain-loop oracles of the f32 kernels: every product and every sum rounded to f32, in their order. */

import type { Heap, Kernel } from "../../../wasm/index.js";
import { bound, exp, log, pmax, pmin, unary } from "./math.js";

const f = Math.fround;

/** By the number of the function in f32_arithmetic; 16 more are those of b and a. */
const arithmetic: readonly ((a: number, b: number) => number)[] = [
  (a, b) => f(a + b),
  (a, b) => f(a - b),
  (a, b) => f(a * b),
  (a, b) => f(a / b),
  pmax,
  pmin,
  (a, b) => Number(a === b),
  (a, b) => Number(a > b),
  (a, b) => Number(a >= b),
  (a, b) => (b === 0 ? 0 : a),
];

/** What f32_reduce does with the next number, by the number of the function. */
const reductions = [arithmetic[0], arithmetic[0], pmax, pmin, arithmetic[2]];

export function floatKernels(heap: Heap) {
  const views = () => ({ f32: new Float32Array(heap.buffer), i32: new Int32Array(heap.buffer) });

  const f32_matmul: Kernel = (y, x, w, bias, m, k, n) => {
    const { f32 } = views();
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = f32[bias / 4 + j];
        for (let p = 0; p < k; p++) sum = f(sum + f(f32[x / 4 + i * k + p] * f32[w / 4 + p * n + j]));
        f32[y / 4 + i * n + j] = sum;
      }
    }
    return 0;
  };

  const f32_matvec_csr: Kernel = (y, x, values, cols, starts, bias, n) => {
    const { f32, i32 } = views();
    for (let row = 0; row < n; row++) {
      const sums = [0, 0, 0, 0];
      const first = i32[starts / 4 + row];
      for (let j = first; j < i32[starts / 4 + row + 1]; j++) {
        const lane = (j - first) % 4;
        sums[lane] = f(sums[lane] + f(f32[values / 4 + j] * f32[x / 4 + i32[cols / 4 + j]]));
      }
      const total = f(f(sums[0] + sums[1]) + f(sums[2] + sums[3]));
      f32[y / 4 + row] = f(total + f32[bias / 4 + row]);
    }
    return 0;
  };

  const f32_affine: Kernel = (y, x, scale, offset, rows, n) => {
    const { f32 } = views();
    for (let i = 0; i < rows * n; i++) {
      f32[y / 4 + i] = f(f32[x / 4 + i] * f32[scale / 4 + (i % n)]) + f32[offset / 4 + (i % n)];
    }
    return 0;
  };

  const f32_prelu: Kernel = (y, x, alpha, rows, n) => {
    const { f32 } = views();
    for (let i = 0; i < rows * n; i++) {
      const value = f32[x / 4 + i];
      f32[y / 4 + i] = value < 0 ? f32[alpha / 4 + (i % n)] * value : value;
    }
    return 0;
  };

  const f32_unary: Kernel = (y, x, n, fn, a) => {
    const { f32 } = views();
    for (let i = 0; i < n; i++) f32[y / 4 + i] = unary[fn](f32[x / 4 + i], f(a));
    return 0;
  };

  const f32_softmax: Kernel = (y, x, rows, n, asLog) => {
    const { f32 } = views();
    for (let row = 0; row < rows; row++) {
      const from = f32.subarray(x / 4 + row * n, x / 4 + (row + 1) * n);
      const to = f32.subarray(y / 4 + row * n, y / 4 + (row + 1) * n);
      let top = Number.NEGATIVE_INFINITY;
      for (const value of from) if (value > top) top = value;
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const shifted = f(from[i] - top);
        const e = exp(shifted);
        sum = f(sum + e);
        to[i] = asLog ? shifted : e;
      }
      for (let i = 0; i < n; i++) to[i] = asLog ? to[i] - log(sum) : to[i] / sum;
    }
    return 0;
  };

  const f32_arithmetic: Kernel = (y, a, b, rows, n, bRow, bOne, fn, low, high) => {
    const { f32 } = views();
    for (let i = 0; i < rows * n; i++) {
      const right = b / 4 + Math.floor(i / n) * bRow + (bOne ? 0 : i % n);
      const [left, other] = [f32[a / 4 + i], f32[right]];
      const value = fn & 16 ? arithmetic[fn & 15](other, left) : arithmetic[fn](left, other);
      f32[y / 4 + i] = bound(value, low, high);
    }
    return 0;
  };

  const f32_reduce: Kernel = (y, x, rows, k, n, fn) => {
    const { f32 } = views();
    for (let i = 0; i < rows * n; i++) {
      const first = x / 4 + Math.floor(i / n) * k * n + (i % n);
      let sum = f32[first];
      for (let j = 1; j < k; j++) sum = reductions[fn](sum, f32[first + j * n]);
      f32[y / 4 + i] = fn === 1 ? sum / k : sum;
    }
    return 0;
  };

  const f32_layer_norm: Kernel = (y, x, gamma, beta, rows, n, epsilon) => {
    const { f32 } = views();
    for (let row = 0; row < rows; row++) {
      const from = f32.subarray(x / 4 + row * n, x / 4 + (row + 1) * n);
      const mean = f(from.reduce((sum, value) => f(sum + value), 0) / n);
      const squares = from.map((value) => f(value - mean)).map((difference) => difference * difference);
      const variance = f(squares.reduce((sum, value) => f(sum + value), 0) / n);
      const inverse = f(1 / f(Math.sqrt(f(variance + f(epsilon)))));
      for (let i = 0; i < n; i++) {
        const normal = f(f(from[i] - mean) * inverse);
        f32[y / 4 + row * n + i] = f(normal * f32[gamma / 4 + i]) + f32[beta / 4 + i];
      }
    }
    return 0;
  };

  return {
    f32_affine,
    f32_arithmetic,
    f32_layer_norm,
    f32_matmul,
    f32_matvec_csr,
    f32_prelu,
    f32_reduce,
    f32_softmax,
    f32_unary,
  };
}

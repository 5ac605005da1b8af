/** Updates of optimizers in plain loops, every product and sum rounded to f32. */

import type { Heap } from "../../../wasm/index.js";

const round = Math.fround;

export function optimizerKernels(heap: Heap) {
  return { f32_adam };

  function f32_adam(atW: number, atM: number, atV: number, atG: number, n: number, ...own: number[]): number {
    const [w, m, v, g] = [atW, atM, atV, atG].map((address) => heap.f32(address, n));
    const [beta1, rest1, beta2, rest2, rate, root, epsilon] = own.map(round);
    for (let i = 0; i < n; i++) {
      m[i] = round(m[i] * beta1) + round(g[i] * rest1);
      v[i] = round(v[i] * beta2) + round(round(g[i] * g[i]) * rest2);
      const below = round(round(round(Math.sqrt(v[i])) * root) + epsilon);
      w[i] -= round(round(m[i] * rate) / below);
    }
    return 0;
  }
}

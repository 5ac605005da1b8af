/** Oracles of the recurrent cells: every product and sum rounded to f32, in the order of the kernels. */

import type { Heap, Kernel } from "../../../wasm/index.js";
import { unary } from "./math.js";

const f = Math.fround;

export function recurrentKernels(heap: Heap) {
  const f32 = () => new Float32Array(heap.buffer);
  const activation = (fn: number) => (x: number) => unary[fn](x, fn === 1 ? Number.POSITIVE_INFINITY : 1);
  /** f32[n] at an address, or zeros where it is 0. */
  const stateAt = (at: number, n: number): number[] =>
    at ? [...f32().subarray(at / 4, at / 4 + n)] : new Array<number>(n).fill(0);

  // sums[j] + h U, column j of n.
  const multiply = (sums: ArrayLike<number>, h: readonly number[], u: number, n: number): number[] => {
    const weights = f32();
    return Array.from({ length: n }, (_, j) =>
      h.reduce((sum, value, i) => f(sum + f(value * weights[u / 4 + i * n + j])), sums[j]),
    );
  };

  /** Steps through time; `next` makes h of the gates' inputs and h. */
  const walk = (
    [y, xw, from, steps, units, xwStep, yStep]: readonly number[],
    gates: number,
    next: (sums: Float32Array, h: readonly number[]) => number[],
  ): number => {
    const memory = f32();
    let h = stateAt(from, units);
    for (let step = 0; step < steps; step++) {
      const at = xw / 4 + step * xwStep;
      h = next(memory.slice(at, at + gates * units), h);
      memory.set(h, y / 4 + step * yStep);
    }
    return 0;
  };

  const f32_simple_rnn: Kernel = (y, xw, u, from, _scratch, steps, units, xwStep, yStep, fn) => {
    const act = activation(fn);
    return walk([y, xw, from, steps, units, xwStep, yStep], 1, (sums, h) =>
      multiply(sums, h, u, units).map(act),
    );
  };

  const f32_lstm: Kernel = (y, xw, u, from, scratch, steps, units, xwStep, yStep, fn, gate) => {
    const [act, open] = [activation(fn), activation(gate)];
    const c = stateAt(from && from + units * 4, units);
    const done = walk([y, xw, from, steps, units, xwStep, yStep], 4, (sums, h) => {
      const g = multiply(sums, h, u, 4 * units);
      return h.map((_, j) => {
        const [i, forget, out] = [open(g[j]), open(g[units + j]), open(g[3 * units + j])];
        c[j] = f(f(forget * c[j]) + f(i * act(g[2 * units + j])));
        return f(out * act(c[j]));
      });
    });
    f32().set(c, scratch / 4 + units);
    return done;
  };

  const f32_gru: Kernel = (y, xw, u, after, from, _scratch, steps, units, xwStep, yStep, fn, gate) => {
    const [act, open] = [activation(fn), activation(gate)];
    return walk([y, xw, from, steps, units, xwStep, yStep], 3, (sums, h) => {
      let candidate: number[];
      let z: number[];
      if (after) {
        const state = multiply(f32().slice(after / 4, after / 4 + 3 * units), h, u, 3 * units);
        const opened = state.slice(0, 2 * units).map((value, j) => open(f(sums[j] + value)));
        z = opened;
        candidate = h.map((_, j) => f(sums[2 * units + j] + f(opened[units + j] * state[2 * units + j])));
      } else {
        z = multiply(sums, h, u, 2 * units).map(open);
        const kept = h.map((value, j) => f(z[units + j] * value));
        candidate = multiply(sums.subarray(2 * units), kept, u + 8 * units * units, units);
      }
      return h.map((value, j) => f(f(z[j] * value) + f(f(1 - z[j]) * act(candidate[j]))));
    });
  };

  return { f32_gru, f32_lstm, f32_simple_rnn };
}

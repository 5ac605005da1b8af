/** Plain-loop oracles of the structured masks; w is [inputs][outputs]. */

import type { Heap, Kernel } from "../../../wasm/index.js";

const f = Math.fround;
const MAGNITUDE = 0x7fffffff;
const INFINITY_BITS = 0x7f800000;

export function blockKernels(heap: Heap) {
  // ((a*a + b*b) + c*c) + d*d of 4 inputs of one output, as far as there are any.
  const column = (weights: Float32Array, inputs: number, outputs: number, input: number, output: number) => {
    let sum = 0;
    for (let i = input; i < Math.min(input + 4, inputs) && output < outputs; i++) {
      const weight = weights[i * outputs + output];
      sum = f(sum + f(weight * weight));
    }
    return sum;
  };

  const f32_score_1x4: Kernel = (scores, w, inputs, outputs) => {
    const weights = heap.f32(w, inputs * outputs);
    const out = heap.f32(scores, Math.ceil(inputs / 4) * outputs);
    for (let at = 0; at < out.length; at++) {
      out[at] = column(weights, inputs, outputs, Math.floor(at / outputs) * 4, at % outputs);
    }
    oneNaN(out);
    return 0;
  };

  const f32_score_4x4: Kernel = (scores, w, inputs, outputs) => {
    const weights = heap.f32(w, inputs * outputs);
    const across = Math.ceil(outputs / 4);
    const out = heap.f32(scores, Math.ceil(inputs / 4) * across);
    for (let at = 0; at < out.length; at++) {
      const input = Math.floor(at / across) * 4;
      const [a, b, c, d] = [0, 1, 2, 3].map((o) =>
        column(weights, inputs, outputs, input, (at % across) * 4 + o),
      );
      out[at] = f(f(a + b) + f(c + d));
    }
    oneNaN(out);
    return 0;
  };

  /** Zeroes the chosen blocks of 4 inputs x `wide` outputs. */
  const pruneBlocks = (wide: number): Kernel => {
    return (w, scores, inputs, outputs, threshold, ties) => {
      const weights = heap.f32(w, inputs * outputs);
      const across = Math.ceil(outputs / wide);
      const score = heap.f32(scores, Math.ceil(inputs / 4) * across);
      let left = ties;
      let zeroed = 0;
      for (let at = 0; at < score.length; at++) {
        const tie = score[at] === threshold && left > 0;
        if (tie) left -= 1;
        if (!tie && !(score[at] < threshold)) continue;
        const input = Math.floor(at / across) * 4;
        const output = (at % across) * wide;
        for (let i = input; i < Math.min(input + 4, inputs); i++) {
          for (let o = output; o < Math.min(output + wide, outputs); o++) {
            if (weights[i * outputs + o] !== 0) zeroed += 1;
            weights[i * outputs + o] = 0;
          }
        }
      }
      return zeroed;
    };
  };

  const f32_prune_nofm: Kernel = (w, _bits, inputs, outputs, n, m) => {
    const bits = heap.i32(w, inputs * outputs);
    let zeroed = 0;
    for (let first = 0; first < inputs; first += m) {
      for (let output = 0; output < outputs; output++) {
        const group = [];
        for (let i = first; i < Math.min(first + m, inputs); i++) group.push(i * outputs + output);
        // Largest first; of equal ones the higher input, as a sort keeps what is equal in its order.
        group.reverse().sort((a, b) => (bits[b] & MAGNITUDE) - (bits[a] & MAGNITUDE));
        for (const at of group.slice(n)) {
          const magnitude = bits[at] & MAGNITUDE;
          if (magnitude > INFINITY_BITS) continue;
          if (magnitude !== 0) zeroed += 1;
          bits[at] = 0;
        }
      }
    }
    return zeroed;
  };

  const f32_prune_1x4 = pruneBlocks(1);
  const f32_prune_4x4 = pruneBlocks(4);
  return { f32_score_1x4, f32_score_4x4, f32_prune_1x4, f32_prune_4x4, f32_prune_nofm };
}

// Which bits a NaN has is the engine's choice; the kernels settle on these.
function oneNaN(scores: Float32Array): void {
  const bits = new Int32Array(scores.buffer, scores.byteOffset, scores.length);
  for (let i = 0; i < scores.length; i++) if (Number.isNaN(scores[i])) bits[i] = 0x7fc00000;
}

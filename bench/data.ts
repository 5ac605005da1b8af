/** What the kernels are fed: seeded, so that every run and every machine times the same numbers. */

import { createRandom } from "../src/data/index.js";

/** He-normal: mean 0, variance 2 / inputs, as a layer in front of a relu starts out. */
export function heNormal(inputs: number, outputs: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const deviation = Math.sqrt(2 / inputs);
  return Float32Array.from({ length: inputs * outputs }, () => random.normal(0, deviation));
}

/** u7 codes as a relu leaves them: half of them 0, the rest half-normal with deviation 32, at most 127. */
export function reluCodes(length: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length }, () => Math.min(Math.max(Math.round(random.normal(0, 32)), 0), 127));
}

/** Codes to real numbers, each column of [.., scale.length] by its scale. */
export function toReal(codes: ArrayLike<number>, scale: Float32Array): Float32Array {
  const real = new Float32Array(codes.length);
  for (let i = 0; i < real.length; i++) real[i] = codes[i] * scale[i % scale.length];
  return real;
}

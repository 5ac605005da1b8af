/** Kernels to s8, biases to i32. */

import type { I32Weight, QuantParams, S8Weight, Weight } from "../graph/index.js";
import type { KernelNode } from "./kernel-nodes.js";
import { roundHalfEven } from "./params.js";

export interface QuantizedLayer {
  readonly kernel: S8Weight;
  /** The zero point of the input folded in; absent where it is 0 everywhere. */
  readonly bias?: I32Weight;
}

const smallestScale = 2 ** -126;
const largestSum = 2 ** 31 - 1;

/**
 * Quantizes the weights of one layer: symmetric codes in [-127, 127] with one scale per output
 * channel, and bias = round(b / (s_x s_w)) - zero_x * sum(w).
 *
 * A channel's scale is what its largest weight needs, unless a bias much larger than its weights would
 * then leave i32: it is widened until bias and every sum fit. Zeros stay zeros exactly.
 *
 * @param input u7 parameters of what the layer reads
 * @param shift added to the f32 bias, one a channel (see bias-correction.ts)
 */
export function quantizeLayer(layer: KernelNode, input: QuantParams, shift?: Float64Array): QuantizedLayer {
  const { kernel, channels } = layer;
  const largest = largestByChannel(kernel.data, channels);
  const codes = new Int8Array(kernel.data.length);
  const scale = new Float32Array(channels);
  const bias = new Int32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const real = (layer.bias?.data[channel] ?? 0) + (shift?.[channel] ?? 0);
    scale[channel] = firstScale(largest[channel], real, input.scale);
    for (;;) {
      const code = quantizeChannel(kernel.data, codes, channel, channels, scale[channel]);
      const sum = roundHalfEven(real / (input.scale * scale[channel])) - input.zero * code.sum;
      // The accumulator starts at the bias and adds codes of at most 127.
      if (Math.abs(sum) + 127 * code.magnitude <= largestSum) {
        bias[channel] = sum;
        break;
      }
      scale[channel] *= 2;
    }
  }
  return {
    kernel: { dtype: "s8", shape: kernel.shape, data: codes, scale },
    ...(bias.some((value) => value !== 0) && { bias: { dtype: "i32", shape: [channels], data: bias } }),
  };
}

/** An f32 matrix in codes of the same meaning, one scale for each of its last axis; any other weight as it is. */
export function codesToStore(weight: Weight): Weight {
  if (weight.dtype !== "f32") return weight;
  const channels = weight.shape.at(-1) ?? 1;
  const data = new Int8Array(weight.data.length);
  const scale = Float32Array.from(largestByChannel(weight.data, channels), (largest) =>
    firstScale(largest, 0, 1),
  );
  scale.forEach((step, channel) => {
    quantizeChannel(weight.data, data, channel, channels, step);
  });
  return { dtype: "s8", shape: weight.shape, data, scale };
}

function firstScale(largest: number, bias: number, inputScale: number): number {
  if (largest > 0) return Math.max(Math.fround(largest / 127), smallestScale);
  // No weights: any scale will do that tells the bias to 22 bits.
  const scale = Math.fround(Math.abs(bias) / inputScale / 2 ** 22);
  if (bias === 0) return 1;
  return Math.min(Math.max(scale, smallestScale), 2 ** 127);
}

function quantizeChannel(
  weights: Float32Array,
  codes: Int8Array,
  channel: number,
  channels: number,
  scale: number,
): { readonly sum: number; readonly magnitude: number } {
  let [sum, magnitude] = [0, 0];
  for (let i = channel; i < weights.length; i += channels) {
    const code = Math.min(Math.max(roundHalfEven(weights[i] / scale), -127), 127);
    codes[i] = code;
    sum += code;
    magnitude += Math.abs(code);
  }
  return { sum, magnitude };
}

function largestByChannel(weights: Float32Array, channels: number): Float64Array {
  const largest = new Float64Array(channels);
  for (let i = 0; i < weights.length; i++) {
    const channel = i % channels;
    largest[channel] = Math.max(largest[channel], Math.abs(weights[i]));
  }
  return largest;
}

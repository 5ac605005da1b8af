/** Kernels of what a layer sees. */

import type { Tensor4D } from "@tensorflow/tfjs";
import type { Random } from "../../../src/data/index.js";

export interface KernelOptions {
  readonly filters: number;
  readonly size: number;
  readonly isDepthwise: boolean;
  readonly random: Random;
}

/** A gradient step adds a patch of the input to a filter: a few that weigh most are what counts. */
const patchesEach = 1;
/** Length of the random start beside what was learned. */
const start = 0.3;

/**
 * Each filter is a sum of patches, centred and of random weight, and a random start.
 *
 * @param x [samples, height, width, channels]
 * @returns [size, size, channels, filters], or [size, size, channels, 1]: of length about 1 each filter
 */
export function patchKernel(
  x: Tensor4D,
  { filters, size, isDepthwise, random }: KernelOptions,
): Float32Array {
  const [count, height, width, channels] = x.shape;
  const data = x.dataSync() as Float32Array;
  const outputs = isDepthwise ? channels : filters;
  const depth = isDepthwise ? 1 : channels;
  const length = size * size * depth;
  const means = channelMeans(data, channels);
  const kernel = new Float32Array(length * outputs);
  const filter = new Float32Array(length);
  for (let o = 0; o < outputs; o++) {
    filter.fill(0);
    for (let p = 0; p < patchesEach; p++) {
      const [sample, top, left] = [random.below(count), random.below(height), random.below(width)];
      const weight = random.normal();
      for (let i = 0; i < length; i++) {
        const channel = isDepthwise ? o : i % depth;
        const tap = Math.floor(i / depth);
        const row = Math.min(top + Math.floor(tap / size), height - 1);
        const column = Math.min(left + (tap % size), width - 1);
        const value = data[((sample * height + row) * width + column) * channels + channel];
        filter[i] += weight * (value - means[channel]);
      }
    }
    const norm = Math.sqrt(filter.reduce((sum, value) => sum + value * value, 0)) || 1;
    for (let i = 0; i < length; i++) {
      kernel[i * outputs + o] = filter[i] / norm + (start * random.normal()) / Math.sqrt(length);
    }
  }
  return kernel;
}

function channelMeans(data: Float32Array, channels: number): Float64Array {
  const sums = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) sums[i % channels] += data[i];
  return sums.map((sum) => (sum * channels) / data.length);
}

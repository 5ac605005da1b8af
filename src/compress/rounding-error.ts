/** The error that rounding makes in the sums of a layer, foretold from ranges: what equalization lowers. */

import type { KernelNode } from "./kernel-nodes.js";

/** Input of a layer that element i of its kernel multiplies. */
export function inputOfKernel({ node, channels, form }: KernelNode): (i: number) => number {
  if (node.op === "depthwiseConv2d") return (i) => i % channels;
  return (i) => Math.floor(i / channels) % form.inputs;
}

/**
 * Mean square of a number by that of its channel's largest. Between that of a normal distribution cut at 0, 1/32 if
 * the largest is 4 of its deviations, and that of a uniform one.
 */
const squareByLargest = 1 / 24;

/**
 * Sum of the squared errors of a layer's outputs when its input and its weights are rounded, up to a factor: a value
 * that is a step apart from the next one is off by a twelfth of the squared step.
 *
 * @param ranges the largest magnitude of each channel of the input; input i is of channel i % channels
 * @param factors that channels are divided by, and the weights that read them multiplied by
 */
export function roundingError(
  layer: KernelNode,
  kernel: Float32Array,
  ranges: Float64Array,
  factors: Float64Array,
): number {
  const { length } = factors;
  const inputOf = inputOfKernel(layer);
  const scaled = ranges.map((range, c) => range / factors[c]);
  const step = scaled.reduce((most, range) => Math.max(most, range), 0) / 127;
  const steps = new Float64Array(layer.channels);
  let error = 0;
  kernel.forEach((value, i) => {
    const weight = Math.abs(value) * factors[inputOf(i) % length];
    steps[i % layer.channels] = Math.max(steps[i % layer.channels], weight / 127);
    error += (step * weight) ** 2;
  });
  kernel.forEach((_, i) => {
    error += squareByLargest * (steps[i % layer.channels] * scaled[inputOf(i) % length]) ** 2;
  });
  return error;
}

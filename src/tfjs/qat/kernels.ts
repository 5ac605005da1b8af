/** The weights of a layer as the runtime multiplies by them. */

import { type KernelNode, quantizeLayer, roundHalfEven } from "../../compress/index.js";
import type { QuantParams } from "../../graph/index.js";
import { kernels } from "../../kernels/index.js";
import type { ScaleOffset } from "./normalization.js";

export interface LayerNumbers {
  /** f32[inputs][channels] */
  readonly kernel: Float32Array;
  readonly bias: Float32Array | undefined;
  /** Folded into both, if a batch normalization follows. */
  readonly norm: ScaleOffset | undefined;
}

export interface RoundedLayer {
  /** In the place of the kernel, before the normalization. */
  readonly kernel: Float32Array;
  /** What rounding adds to each channel's bias, behind the normalization; absent where it is not known. */
  readonly shift: Float32Array | undefined;
}

const smallestScale = 2 ** -126;
const largestSum = 2 ** 31 - 1;

/**
 * Rounds kernel and bias to their codes: `quantizeLayer` times its scales, and by faster kernels.
 *
 * A channel has one scale, so that a normalization behind the layer changes no code.
 *
 * @param input u7 parameters of what the layer reads; absent: codes that are stored only, and a bias as it is
 * @throws RangeError for weights that are NaN or infinite
 */
export function roundLayer(
  name: string,
  { kernel, bias, norm }: LayerNumbers,
  channels: number,
  input: QuantParams | undefined,
): RoundedLayer {
  const folded = norm ? kernel.map((value, i) => value * norm.scale[i % channels]) : kernel;
  const largest = kernels.absMax(folded, { channels });
  if (!largest.every(Number.isFinite)) throw notFinite(name);
  const real = input && foldedBias(bias, norm, channels);
  let scale: Float32Array = largest.map((most) =>
    most > 0 ? Math.max(Math.fround(most / 127), smallestScale) : 1,
  );
  const depth = kernel.length / channels;
  const bound = largestSum - 2 * 127 * 127 * depth;
  const steps = input ? Float64Array.from(scale, (step) => input.scale * step) : undefined;
  let rounded = real && steps && real.map((value, c) => roundHalfEven(value / steps[c]) * steps[c]);
  if (input && real && steps?.some((step, c) => largest[c] > 0 && Math.abs(real[c]) / step > bound)) {
    // A bias that large widens the scale of its channel.
    const exact = quantizeLayer(kernelNodeOf(folded, real, channels), input);
    scale = exact.kernel.scale;
    rounded = undefined;
  }
  const { codes, nan } = kernels.quantize(folded, { divisor: scale });
  if (nan > 0) throw notFinite(name);
  const made = kernels.dequantize(codes, scale);
  return {
    kernel: norm ? unfolded(made, kernel, norm.scale) : made,
    // Of a channel of zeros, the scale of whose codes tells the bias to 22 bits, nothing is rounded.
    shift: rounded?.map((value, c) => (largest[c] > 0 ? value - (real as Float32Array)[c] : 0)),
  };
}

function notFinite(name: string): RangeError {
  return new RangeError(`quantize: wanted finite weights in ${name}, got NaN or Infinity`);
}

/** The bias as `foldAffine` makes it. */
export function foldedBias(
  bias: Float32Array | undefined,
  norm: ScaleOffset | undefined,
  channels: number,
): Float32Array {
  const own = bias ?? new Float32Array(channels);
  return norm ? norm.offset.map((value, c) => own[c] * norm.scale[c] + value) : own;
}

function unfolded(made: Float32Array, kernel: Float32Array, scale: Float32Array): Float32Array {
  // A scale of 0 leaves nothing of the kernel, whatever it is.
  return made.map((value, i) => {
    const factor = scale[i % scale.length];
    return factor === 0 ? kernel[i] : value / factor;
  });
}

function kernelNodeOf(data: Float32Array, bias: Float32Array, channels: number): KernelNode {
  const inputs = data.length / channels;
  return {
    node: { name: "", op: "dense", inputs: [], weights: {}, attrs: {} },
    kernel: { dtype: "f32", shape: [inputs, channels], data },
    bias: { dtype: "f32", shape: [channels], data: bias },
    form: { taps: 1, inputs, outputs: channels },
    depth: inputs,
    onlyF32: undefined,
    channels,
  };
}

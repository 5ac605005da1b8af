/**
 * Moves each bias by the mean error that quantization makes in its channel.
 *
 * Rounding weights, and the values they multiply, moves the mean of a channel over real samples; the
 * mean is what the bias can set right (Nagel et al., "Data-Free Quantization Through Weight Equalization
 * and Bias Correction", 2019, section 4.2). A channel's mean is linear in those of what the layer reads,
 * so that these are measured and the rest is computed. The padding of a convolution is 0 either way: a tap
 * counts by the share of places at which it lies on the picture, all of which is taken to have one mean.
 *
 * Measured: the error of abalone-mlp, calibrated on its 4176 samples, falls from 0.212 to 0.205 % of its
 * predictions (from 0.231 to 0.200 % with min-max); a LeNet-300-100 stays at its f32 accuracy either
 * way. The same for the error of one-shot pruning is worse than nothing: at 80 % zeros a LeNet-300-100
 * fell from 87.6 % to 74.0 %, because what pruning changes is the spread of a channel, not only its mean.
 */

import { type Graph, removeDead, type S8Weight, type Shape, withNodes } from "../graph/index.js";
import { type CollectOptions, collectStatistics, type Samples } from "./calibrate.js";
import type { Statistics } from "./histogram.js";
import type { KernelNode } from "./kernel-nodes.js";
import { tapShares } from "./tap-shares.js";

/** Added to biases: one a channel, by layer name. */
export type Shifts = ReadonlyMap<string, Float64Array>;

export interface CorrectionOptions extends CollectOptions {
  /** Of what layers read. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Called with layers done. */
  readonly onLayers?: ((done: number) => void) | undefined;
}

// Layers are measured behind those corrected before them, a few at a time in deep nets.
const passes = 16;

/**
 * What to add to the biases of layers so that the mean of each channel of their products is that of f32.
 *
 * @param layers in the order of the graph
 * @param build the quantized graph with shifts added to its biases
 * @param wanted statistics of the values that layers read, in f32, over the same samples
 */
export async function measureShifts(
  layers: readonly KernelNode[],
  build: (shifts: Shifts) => Graph,
  wanted: ReadonlyMap<string, Statistics>,
  samples: Samples,
  options: CorrectionOptions,
): Promise<Shifts> {
  const shifts = new Map<string, Float64Array>();
  const step = Math.ceil(layers.length / passes);
  for (let from = 0; from < layers.length; from += step) {
    const some = layers.slice(from, from + step);
    const quantized = build(shifts);
    const inputs = [...new Set(some.map(({ node }) => node.inputs[0]))];
    const measured = await collectStatistics(partTo(quantized, inputs), inputs, samples, options);
    for (const layer of some) {
      const [input] = layer.node.inputs;
      const [real, rounded] = [wanted, measured].map((all) => (all.get(input) as Statistics).mean);
      const node = quantized.nodes.find(({ name }) => name === layer.node.name);
      const kernel = quantized.weights.get(node?.weights.kernel ?? "") as S8Weight;
      const shares = sharesOf(layer, options.shapes.get(input) as Shape);
      shifts.set(layer.node.name, shiftOf(layer, kernel, real, rounded, shares));
    }
    options.onLayers?.(Math.min(from + step, layers.length));
  }
  return shifts;
}

/** What a graph computes to make these values. */
function partTo(graph: Graph, values: readonly string[]): Graph {
  return removeDead(withNodes(graph, { outputs: values.map((value) => ({ name: value, value })) }));
}

/** What part of all places a tap counts for. */
function sharesOf({ node, kernel, form }: KernelNode, input: Shape): readonly number[] {
  if (node.op === "conv2d" || node.op === "depthwiseConv2d") return tapShares(node, kernel.shape, input);
  // Of a transposed kernel each result sees one cell in a stride.
  const [down, across] = (node.attrs.strides ?? [1, 1]) as readonly number[];
  return new Array<number>(form.taps).fill(1 / (down * across));
}

/** Of each channel: sum over what it reads of w E[x] - s q E[x'], x' being x in codes. */
function shiftOf(
  { kernel: { data }, form, channels }: KernelNode,
  { data: codes, scale }: S8Weight,
  real: Float64Array,
  rounded: Float64Array,
  shares: readonly number[],
): Float64Array {
  const shift = new Float64Array(channels);
  const { inputs } = form;
  for (let i = 0; i < data.length; i++) {
    const channel = i % channels;
    // One input a channel (depthwise), or each input's row of channels.
    const input = inputs === 1 && real.length === channels ? channel : Math.floor(i / channels) % inputs;
    const share = shares[Math.floor(i / (form.inputs * form.outputs))];
    shift[channel] += share * (data[i] * real[input] - codes[i] * scale[channel] * rounded[input]);
  }
  return shift;
}

/**
 * Moves each bias by the mean error that quantization makes in its channel.
 *
 * Rounding weights, and the values they multiply, moves the mean of a channel over real samples; the
 * mean is what the bias can set right (Nagel et al., "Data-Free Quantization Through Weight Equalization
 * and Bias Correction", 2019, section 4.2, with the empirical means of appendix D).
 *
 * Measured: the error of abalone-mlp, calibrated on its 4176 samples, falls from 0.212 to 0.205 % of its
 * predictions (from 0.231 to 0.200 % with min-max); a LeNet-300-100 stays at its f32 accuracy either
 * way. The same for the error of one-shot pruning is worse than nothing: at 80 % zeros a LeNet-300-100
 * fell from 87.6 % to 74.0 %, because what pruning changes is the spread of a channel, not only its mean.
 */

import { type Graph, removeDead } from "../graph/index.js";
import { type CollectOptions, collectStatistics, type Samples } from "./calibrate.js";
import type { Statistics } from "./histogram.js";
import { productOf } from "./quantize.js";

/** Added to biases: one a channel, by layer name. */
export type Shifts = ReadonlyMap<string, Float64Array>;

export interface CorrectionOptions extends CollectOptions {
  /** Called after each layer with layers done. */
  readonly onLayer?: ((done: number) => void) | undefined;
}

/**
 * What to add to the biases of layers so that the mean of each channel of their products is the wanted
 * one. Layer by layer in order, each measured behind those corrected before it.
 *
 * @param layers names, in the order of the graph
 * @param build the compressed graph with shifts added to its biases
 * @param wanted means by channel of a layer's product, over the same samples
 */
export async function measureShifts(
  layers: readonly string[],
  build: (shifts: Shifts) => Graph,
  wanted: (layer: string) => Float64Array,
  samples: Samples,
  options: CorrectionOptions,
): Promise<Shifts> {
  const shifts = new Map<string, Float64Array>();
  for (const [i, layer] of layers.entries()) {
    const product = removeDead(productOf(build(shifts), layer));
    const measured = await collectStatistics(product, [layer], samples, options);
    const means = wanted(layer);
    const { mean } = measured.get(layer) as Statistics;
    shifts.set(
      layer,
      mean.map((value, channel) => means[channel] - value),
    );
    options.onLayer?.(i + 1);
  }
  return shifts;
}

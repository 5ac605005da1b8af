/** What a layer of a model makes of samples: the input of a model that is trained on top of it. */

import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { layerOutput, withOutputs } from "./forward.js";
import { type Predictions, predictAll } from "./predict.js";
import { checkModel } from "./weights.js";

/**
 * Runs samples through a model up to one of its layers, as in inference, batch by batch.
 *
 * @param model one input of known sizes
 * @param layer name of a layer of the model itself, not of a nested one, used once
 * @param x f32 samples one after the other, already scaled
 * @param batchSize samples at a time, an integer >= 1
 * @returns the layer's output of all samples; one row a sample, whatever its shape
 * @throws TypeError where it is no LayersModel
 * @throws RangeError for a layer that is not there or is used more than once, or x that is no whole
 *   number of samples
 */
export function featuresOf(
  model: LayersModel,
  layer: string,
  x: Float32Array | tf.Tensor,
  batchSize = 256,
): Predictions {
  checkModel(model);
  // Never disposed of: it has no tensors but the weights, which are the model's.
  return predictAll(withOutputs(model, [layerOutput(model, layer)]), x, batchSize);
}

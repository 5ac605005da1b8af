/** What a layer of a model makes of samples: the input of a model that is trained on top of it. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";
import { product } from "./columns.js";
import { checkBatchSize, type Predictions } from "./predict.js";
import { countSamples, numbersOf, sampleShape } from "./samples.js";
import { checkModel } from "./weights.js";

/**
 * Runs samples through a model up to one of its layers, as in inference, batch by batch.
 *
 * @param model one input of known sizes
 * @param layer name of a layer of the model itself, used once, with one output
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
  checkBatchSize(batchSize);
  const input = sampleShape(model.inputs, "input");
  const output = outputOf(model, layer);
  const numbers = numbersOf(x, "x");
  const count = countSamples("x", numbers.length, input);
  const size = product(input);
  let data = new Float32Array();
  let shape: readonly number[] = [];
  for (let from = 0; from < count; from += batchSize) {
    const to = Math.min(count, from + batchSize);
    tf.tidy(() => {
      const batch = tf.tensor(numbers.subarray(from * size, to * size), [to - from, ...input], "float32");
      const features = model.execute(batch, output.name) as tf.Tensor;
      shape = features.shape.slice(1);
      if (from === 0) data = new Float32Array(count * product(shape));
      data.set(features.dataSync(), from * product(shape));
    });
  }
  return { data, count, shape };
}

function outputOf(model: LayersModel, name: string): SymbolicTensor {
  const layer = model.layers.find((one) => one.name === name);
  if (!layer) {
    throw new RangeError(
      `layer: wanted one of ${model.layers.map((one) => one.name).join(", ")}, got ${name}`,
    );
  }
  const outputs = layer.inboundNodes.flatMap(({ outputTensors }) => outputTensors);
  if (outputs.length !== 1)
    throw new RangeError(`layer: wanted ${name} with one output, got ${outputs.length}`);
  return outputs[0];
}

/** A tfjs model over many samples, batch by batch. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { product } from "./columns.js";
import { countSamples, numbersOf, sampleShape } from "./samples.js";
import { checkModel } from "./weights.js";

export interface Predictions {
  /** f32[count, ...shape] */
  readonly data: Float32Array;
  readonly count: number;
  /** Of one sample's output. */
  readonly shape: readonly number[];
}

/**
 * Runs a model on samples.
 *
 * @param model one input of known sizes, one output
 * @param x f32 samples one after the other, already scaled
 * @param batchSize samples at a time, an integer >= 1
 * @returns the outputs of all samples
 * @throws RangeError where x is no whole number of samples
 */
export function predictAll(model: LayersModel, x: Float32Array | tf.Tensor, batchSize = 256): Predictions {
  checkModel(model);
  checkBatchSize(batchSize);
  const input = sampleShape(model.inputs, "input");
  if (model.outputs.length !== 1) {
    throw new RangeError(`model: wanted one output, got ${model.outputs.length}`);
  }
  const numbers = numbersOf(x, "x");
  const count = countSamples("x", numbers.length, input);
  const size = product(input);
  let data = new Float32Array();
  let shape: readonly number[] = [];
  for (let from = 0; from < count; from += batchSize) {
    const to = Math.min(count, from + batchSize);
    tf.tidy(() => {
      const batch = tf.tensor(numbers.subarray(from * size, to * size), [to - from, ...input], "float32");
      const output = model.predictOnBatch(batch) as tf.Tensor;
      shape = output.shape.slice(1);
      if (from === 0) data = new Float32Array(count * product(shape));
      data.set(output.dataSync(), from * product(shape));
    });
  }
  return { data, count, shape };
}

/**
 * The share of samples whose largest output is their label; with a single output, whether it is above
 * one half.
 *
 * @param model one input of known sizes, one output of [classes]
 * @param x f32 samples one after the other, already scaled
 * @param labels integers in [0, classes), one a sample
 * @param batchSize samples at a time, an integer >= 1
 * @returns in [0, 1]
 * @throws RangeError where sizes do not fit
 */
export function accuracyOf(
  model: LayersModel,
  x: Float32Array | tf.Tensor,
  labels: ArrayLike<number>,
  batchSize = 256,
): number {
  const { data, count, shape } = predictAll(model, x, batchSize);
  if (shape.length !== 1) throw new RangeError(`model: wanted an output of [classes], got [${shape}]`);
  if (labels.length !== count) throw new RangeError(`labels: wanted ${count}, got ${labels.length}`);
  const [classes] = shape;
  let right = 0;
  for (let i = 0; i < count; i++) {
    if (labels[i] === answer(data, i * classes, classes)) right += 1;
  }
  return right / count;
}

function answer(data: Float32Array, begin: number, classes: number): number {
  if (classes === 1) return data[begin] > 0.5 ? 1 : 0;
  let best = 0;
  for (let k = 1; k < classes; k++) if (data[begin + k] > data[begin + best]) best = k;
  return best;
}

export function checkBatchSize(batchSize: number): void {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batchSize: wanted an integer >= 1, got ${batchSize}`);
  }
}

/** The features of all samples, computed once for as many epochs as train a head on them. */

import type { LayersModel } from "@tensorflow/tfjs-layers";
import { createClock } from "./clock.js";
import { product } from "./columns.js";
import { predictAll } from "./predict.js";
import { countSamples, numbersOf, sampleShape, type TrainingData } from "./samples.js";

export interface Features {
  readonly data: TrainingData;
  /** Those that are no training data, by the option of `fineTune`. */
  readonly others: { readonly validation?: TrainingData };
}

const BATCH_SIZE = 256;

/** Bytes that the features of some data take. @throws RangeError where x is no whole number of samples */
export function featureBytes(cut: LayersModel, data: readonly TrainingData[]): number {
  const input = sampleShape(cut.inputs, "input");
  const size = Float32Array.BYTES_PER_ELEMENT * product(sampleShape(cut.outputs, "output"));
  return data.reduce((sum, { x }) => sum + countSamples("x", numbersOf(x, "x").length, input) * size, 0);
}

/**
 * @param cut gives the features; it runs as in inference
 * @returns the data with features in place of x; they go when it is let go of
 * @throws the signal's reason
 */
export async function cacheFeatures(
  cut: LayersModel,
  data: TrainingData,
  validation: TrainingData | undefined,
  signal: AbortSignal | undefined,
): Promise<Features> {
  const made = async (given: TrainingData) => ({ ...given, x: await featuresOfAll(cut, given.x, signal) });
  return { data: await made(data), others: validation ? { validation: await made(validation) } : {} };
}

async function featuresOfAll(
  cut: LayersModel,
  x: TrainingData["x"],
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const clock = createClock();
  const numbers = numbersOf(x, "x");
  const size = product(sampleShape(cut.inputs, "input"));
  const features = new Float32Array((numbers.length / size) * product(sampleShape(cut.outputs, "output")));
  let at = 0;
  for (let from = 0; from < numbers.length; from += BATCH_SIZE * size) {
    const { data } = predictAll(
      cut,
      numbers.subarray(from, from + BATCH_SIZE * size) as Float32Array,
      BATCH_SIZE,
    );
    features.set(data, at);
    at += data.length;
    if (clock.isDue()) await clock.pause();
    signal?.throwIfAborted();
  }
  return features;
}

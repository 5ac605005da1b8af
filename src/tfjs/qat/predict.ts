/** What the runtime would predict, by tfjs: the model as its training with quantization saw it. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { paramsFromRanges, type Ranges } from "../../compress/index.js";
import type { QuantParams } from "../../graph/index.js";
import { type Predictions, predictAll } from "../predict.js";
import { drawBlueprint } from "./blueprint.js";
import { fakeQuantize } from "./fake-quantize.js";
import { runRounded } from "./rounded.js";
import { listSamples } from "./sample-list.js";

export interface QuantizedPredictOptions {
  /** Names of layers whose kernels are f32, as in training. */
  readonly keepF32?: readonly string[];
  /** Samples at a time, an integer >= 1; 256 unless given. */
  readonly batchSize?: number;
}

/**
 * Runs a model on samples with weights and values rounded to the codes of `compress(model, { ranges })`: the
 * same outputs up to f32 rounding, and up to a code where that falls on the other side of a half.
 *
 * @param model one input of known sizes, one output; it stays as it is
 * @param ranges such as `fineTune` returns with `quantize`
 * @param x f32 samples one after the other, already scaled
 * @returns the outputs of all samples
 * @throws UnsupportedError, RangeError as `fineTune` with `quantize`, or for a value without a range
 */
export async function quantizedPredict(
  model: LayersModel,
  ranges: Ranges,
  x: Float32Array | tf.Tensor,
  { keepF32 = [], batchSize = 256 }: QuantizedPredictOptions = {},
): Promise<Predictions> {
  const blueprint = await drawBlueprint(model, listSamples(model, x), keepF32);
  const { values, products } = paramsFromRanges(blueprint.plan, ranges);
  const byRange = new Map<string, QuantParams>();
  for (const [range, names] of blueprint.ranges) {
    const layer = [...blueprint.products].find(([, product]) => product === range)?.[0];
    const params = layer === undefined ? values.get(names[0]) : products.get(layer);
    byRange.set(range, params as QuantParams);
  }
  const paramsOf = (range: string) => byRange.get(range) as QuantParams;
  const round = (range: string, value: tf.Tensor) => fakeQuantize(value, paramsOf(range));
  const predict = () => predictAll(model, x, batchSize);
  // Not what it returns: tidy walks arrays number by number.
  let predictions: Predictions | undefined;
  tf.tidy(() => {
    predictions = runRounded(blueprint, { round, paramsOf }, predict);
  });
  return predictions as unknown as Predictions;
}

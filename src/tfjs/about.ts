/** What decides the numbers of a run, in words: a checkpoint goes with one run alone. */

import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Loss } from "./losses.js";
import type { FineTuneOptions } from "./options.js";
import type { Samples } from "./samples.js";
import { leafLayers, type ModelWeight } from "./weights.js";

export interface Described {
  readonly weights: readonly ModelWeight[];
  readonly learned: readonly ModelWeight[];
  readonly loss: Loss | undefined;
  readonly samples: Samples;
}

/**
 * Sizes, numbers and names; of a function (a schedule, an augmentation) what it gives at a few places, or
 * only that it is there. The data itself is not looked at. Weights have their names, by which parts keep
 * their state: layers without a name get a new one whenever they are made again in the same process.
 *
 * @returns each as JSON
 */
export function describeRun(
  model: LayersModel,
  { weights, learned, samples }: Described,
  optimizer: tf.Optimizer,
  options: FineTuneOptions,
): Readonly<Record<string, string>> {
  const { epochs, batchSize = 64, seed = 0, labelWeight = 1, learningRate, parts = [], terms = [] } = options;
  const loss: unknown = options.loss ?? model.loss;
  const { learningRate: ownRate, ...config } = optimizer.getConfig();
  const said: Record<string, unknown> = {
    model: weights.map(({ name, shape }) => `${name} ${shape.join("x")}`),
    learned: learned.map((weight) => weights.indexOf(weight)),
    samples: [samples.count, ...model.inputs[0].shape.slice(1)],
    answers: samples.answers,
    epochs,
    batchSize,
    seed,
    loss: typeof loss === "string" ? loss : typeof loss,
    labelWeight,
    optimizer: [optimizer.getClassName(), config],
    learningRate: learningRate ?? ownRate,
    prune: options.prune,
    cluster: options.cluster,
    quantize: options.quantize,
    // Whose names the ranges of values go by.
    layers: options.quantize && leafLayers(model).map((layer) => layer.name),
    parts: parts.map(({ name }) => name),
    terms: terms.map(({ name, layers }) => [name, layers]),
    augment: options.augment !== undefined,
    validation: options.validation && sizeOf(options.validation.x),
    earlyStopping: options.earlyStopping,
  };
  return Object.fromEntries(Object.entries(said).map(([name, value]) => [name, inWords(value)]));
}

function sizeOf(x: Float32Array | tf.Tensor): number {
  return "size" in x ? x.size : x.length;
}

const places = [0, 0.25, 0.5, 0.75, 0.875];

function inWords(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner) => {
      if (inner instanceof RegExp) return String(inner);
      return typeof inner === "function" ? places.map((place) => inner(place)) : inner;
    }) ?? "none"
  );
}

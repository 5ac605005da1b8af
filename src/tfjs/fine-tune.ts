/** Trains a LayersModel on the active backend: seeded, pruning as it goes, in reach of a signal. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Ranges } from "../compress/index.js";
import { createRandom, type Random } from "../data/index.js";
import { type Clock, createClock } from "./clock.js";
import { type ClusterOptions, clustering } from "./cluster/clustering.js";
import { type GradualPruneOptions, gradualPruning } from "./gradual.js";
import { createLearner, type Learner } from "./learner.js";
import { findLoss, type LossFunction, type LossName } from "./losses.js";
import { createMeter, type Means, type Meter } from "./meter.js";
import { checkBatchSize } from "./predict.js";
import type { QuantizeTrainingOptions } from "./qat/options.js";
import { quantizing } from "./qat/quantizing.js";
import { openSamples, type TrainingData } from "./samples.js";
import type { StepPart } from "./step.js";
import { listWeights, type ModelWeight } from "./weights.js";

export interface FineTuneOptions {
  /** Times through the data, an integer >= 1. */
  readonly epochs: number;
  /** Samples a step, an integer >= 1; 64 unless given. The last step of an epoch has what is left. */
  readonly batchSize?: number;
  /** One of tf.train, which stays its owner's; Adam unless given. */
  readonly optimizer?: tf.Optimizer;
  /** Of the Adam that is made where no optimizer is given; 0.001 unless given. */
  readonly learningRate?: number;
  /** What the model was compiled with unless given. */
  readonly loss?: LossName | LossFunction;
  /** Of the order of the samples, any safe integer; 0 unless given. */
  readonly seed?: number;
  /** Prunes as it trains. */
  readonly prune?: GradualPruneOptions;
  /** Lets weights share a few values, which learn together. */
  readonly cluster?: ClusterOptions;
  /** Trains for int8: steps see weights and values as `compress` with the `ranges` of the result has them. */
  readonly quantize?: true | QuantizeTrainingOptions;
  /** Told about ten times a second, and at the end of each epoch. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the run after the step under way; its reason is thrown, the model keeps what it learned. */
  readonly signal?: AbortSignal;
}

export interface Progress {
  /** Counted from 1. */
  readonly epoch: number;
  /** Steps done, of all. */
  readonly step: number;
  readonly steps: number;
  /** Mean over the samples of this epoch so far, regularization included. */
  readonly loss: number;
  /** The same of right answers, as met in training, in [0, 1]; absent where the loss is no classification. */
  readonly accuracy?: number;
  /** Zeros among the weights that are pruned, in [0, 1]; 0 without `prune`. */
  readonly sparsity: number;
  readonly secondsLeft: number;
}

export interface FineTuneResult {
  readonly steps: number;
  /** For each epoch, what the last progress of it said. */
  readonly epochs: readonly { readonly loss: number; readonly accuracy?: number }[];
  readonly sparsity: number;
  /** By name of the weight that was pruned. */
  readonly sparsities: Readonly<Record<string, number>>;
  /** With `quantize`: of the values in codes, for `compress` and `quantizedPredict`. */
  readonly ranges?: Ranges;
  readonly seconds: number;
}

/**
 * Trains the trainable weights of a model, and prunes them meanwhile if asked to.
 *
 * Each step is what `model.fit` does: the layers with training=true, regularizers, the optimizer.
 * Weights that a mask has taken are exactly 0 after every step, whatever state the optimizer keeps.
 *
 * @param model one input, one output, both of known sizes; compiled or not
 * @param data x as the model wants it; y as the loss wants it
 * @param options epochs and the rest
 * @returns what the run came to; the model itself is changed
 * @throws TypeError, RangeError for data or options that do not fit
 * @throws the signal's reason when it fires
 */
export async function fineTune(
  model: LayersModel,
  data: TrainingData,
  options: FineTuneOptions,
): Promise<FineTuneResult> {
  const { epochs, batchSize = 64, signal } = options;
  checkCounts(epochs, batchSize);
  signal?.throwIfAborted();
  const trainable = trainableWeights(model);
  const loss = findLoss(model, options.loss);
  const samples = openSamples(model, data, loss.labelled);
  const steps = epochs * Math.ceil(samples.count / batchSize);
  const random = createRandom(options.seed ?? 0);
  const pruning = options.prune && gradualPruning(trainable, options.prune, steps);
  const cluster = options.cluster && clustering(model, trainable, options.cluster, steps, pruning?.end);
  const quantization = options.quantize && (await quantizing(model, data.x, options.quantize, steps));
  const optimizer = options.optimizer ?? tf.train.adam(checkRate(options.learningRate));
  const variables = trainable.map(({ variable }) => variable);
  // Codes are made of the values that weights share, and those of what pruning left.
  const parts = [pruning, cluster, quantization].filter((part) => part !== undefined);
  const run: Run = {
    batchSize,
    steps,
    parts,
    learn: createLearner(model, samples, loss, optimizer, variables, parts),
    clock: createClock(),
    sparsity: () => pruning?.sparsity() ?? 0,
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(signal && { signal }),
  };
  try {
    const done = await runEpochs(run, epochs, samples.count, random);
    const sparsities = pruning?.sparsities() ?? {};
    return {
      steps,
      epochs: done,
      sparsity: run.sparsity(),
      sparsities,
      ...(quantization && { ranges: quantization.ranges() }),
      seconds: run.clock.seconds(),
    };
  } finally {
    for (const part of run.parts) {
      part.finish?.();
      part.dispose?.();
    }
    if (!options.optimizer) optimizer.dispose();
  }
}

function checkCounts(epochs: number, batchSize: number): void {
  checkBatchSize(batchSize);
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new RangeError(`epochs: wanted an integer >= 1, got ${epochs}`);
  }
}

function trainableWeights(model: LayersModel): ModelWeight[] {
  const weights = listWeights(model);
  const learned = new Set(model.trainableWeights.map((weight) => weight.read()));
  const trainable = weights.filter(({ variable }) => learned.has(variable));
  if (trainable.length === 0) throw new RangeError("model: wanted weights that are trainable, got none");
  return trainable;
}

function checkRate(rate = 0.001): number {
  if (typeof rate !== "number") throw new TypeError(`learningRate: wanted a number, got ${typeof rate}`);
  if (!(rate > 0 && Number.isFinite(rate))) {
    throw new RangeError(`learningRate: wanted a finite number > 0, got ${rate}`);
  }
  return rate;
}

interface Run {
  readonly batchSize: number;
  readonly steps: number;
  readonly parts: readonly StepPart[];
  readonly learn: Learner;
  readonly clock: Clock;
  readonly sparsity: () => number;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

async function runEpochs(
  run: Run,
  epochs: number,
  count: number,
  random: Random,
): Promise<FineTuneResult["epochs"]> {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const done: Means[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    random.shuffle(order);
    done.push(await runEpoch(run, epoch, order));
  }
  return done;
}

async function runEpoch(run: Run, epoch: number, order: Int32Array): Promise<Means> {
  const { batchSize, clock, parts } = run;
  const stepsBefore = epoch * Math.ceil(order.length / batchSize);
  const meter = createMeter();
  let step = stepsBefore;
  try {
    for (let from = 0; from < order.length; from += batchSize) {
      for (const part of parts) part.before?.(step);
      meter.add(run.learn(order.subarray(from, from + batchSize)));
      for (const part of parts) part.after?.(step);
      step += 1;
      const last = from + batchSize >= order.length;
      if (last || clock.isDue()) {
        await meter.read();
        run.onProgress?.(progressOf(run, epoch, step, meter));
        await clock.pause();
        run.signal?.throwIfAborted();
      }
    }
  } finally {
    meter.dispose();
  }
  return meter.means();
}

function progressOf(run: Run, epoch: number, step: number, meter: Meter): Progress {
  const { steps, clock, sparsity } = run;
  const secondsLeft = (clock.seconds() / step) * (steps - step);
  return { epoch: epoch + 1, step, steps, ...meter.means(), sparsity: sparsity(), secondsLeft };
}

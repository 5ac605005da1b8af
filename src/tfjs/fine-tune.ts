/** Trains a LayersModel on the active backend: seeded, pruning as it goes, in reach of a signal. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Ranges } from "../compress/index.js";
import { type Augment, createRandom, type Random } from "../data/index.js";
import { type Clock, createClock } from "./clock.js";
import { type ClusterOptions, clustering } from "./cluster/clustering.js";
import { type GradualPruneOptions, gradualPruning } from "./gradual.js";
import { createLearner, type Learner } from "./learner.js";
import { findLoss, type LossFunction, type LossName } from "./losses.js";
import { createMeter, type Means, type Meter } from "./meter.js";
import { checkBatchSize } from "./predict.js";
import type { QuantizeTrainingOptions } from "./qat/options.js";
import { quantizing } from "./qat/quantizing.js";
import { checkRate, type RateSchedule, setRate } from "./rates.js";
import { openSamples, type TrainingData } from "./samples.js";
import type { LossTerm, StepPart } from "./step.js";
import { listWeights, type ModelWeight } from "./weights.js";

export interface FineTuneOptions {
  /** Times through the data, an integer >= 1. */
  readonly epochs: number;
  /** Samples a step, an integer >= 1; 64 unless given. The last step of an epoch has what is left. */
  readonly batchSize?: number;
  /** One of tf.train, which stays its owner's; Adam unless given. */
  readonly optimizer?: tf.Optimizer;
  /** A number, of the Adam that is made where no optimizer is given, 0.001 unless given; or a schedule, of any. */
  readonly learningRate?: number | RateSchedule;
  /** What the model was compiled with unless given. */
  readonly loss?: LossName | LossFunction;
  /** Factor of the loss of the labels, finite and >= 0; 1 unless given. With 0, y may be left out. */
  readonly labelWeight?: number;
  /** What the loss has besides: the terms of a distillation. They stay their owner's. */
  readonly terms?: readonly LossTerm[];
  /** Which of the trainable weights learn; all unless given. */
  readonly variables?: (weight: ModelWeight) => boolean;
  /** Changes every batch of inputs before the model sees it. */
  readonly augment?: Augment;
  /** Of the order of the samples and their augmentation, any safe integer; 0 unless given. */
  readonly seed?: number;
  /** Prunes as it trains. */
  readonly prune?: GradualPruneOptions;
  /** Lets weights share a few values, which learn together. */
  readonly cluster?: ClusterOptions;
  /** More that shapes the weights or the forward pass, before `prune` and what follows it. Stay their owner's. */
  readonly parts?: readonly StepPart[];
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
  const { epochs, batchSize = 64, signal, labelWeight = 1, terms = [] } = options;
  checkCounts(epochs, batchSize);
  checkLabelWeight(labelWeight, data, terms);
  signal?.throwIfAborted();
  const trainable = trainableWeights(model, options.variables);
  const loss = labelWeight > 0 ? findLoss(model, options.loss) : undefined;
  const random = createRandom(options.seed ?? 0);
  const samples = openSamples(model, data, {
    // Labels that no loss reads are labels still, where there is one a sample.
    labelled: loss?.labelled ?? true,
    ...(options.augment && { augment: options.augment, random }),
  });
  const steps = epochs * Math.ceil(samples.count / batchSize);
  const pruning = options.prune && gradualPruning(trainable, options.prune, steps);
  const cluster = options.cluster && clustering(model, trainable, options.cluster, steps, pruning?.end);
  const quantization = options.quantize && (await quantizing(model, data.x, options.quantize, steps));
  const rate = options.learningRate ?? 0.001;
  if (typeof rate !== "function") checkRate("learningRate", rate);
  const optimizer = options.optimizer ?? tf.train.adam(typeof rate === "function" ? 0.001 : rate);
  // Codes are made of the values that weights share, and those of what pruning left.
  const own = [pruning, cluster, quantization].filter((part) => part !== undefined);
  const parts: readonly StepPart[] = [...(options.parts ?? []), ...own];
  for (const term of terms) term.open?.(model);
  const run: Run = {
    batchSize,
    steps,
    parts,
    learn: createLearner({
      model,
      samples,
      optimizer,
      variables: trainable.map(({ variable }) => variable),
      ...(loss && { label: { loss, weight: labelWeight } }),
      terms,
      parts,
    }),
    ...(typeof rate === "function" && { setRate: (progress: number) => setRate(optimizer, rate(progress)) }),
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
    for (const part of parts) part.finish?.();
    for (const part of own) part.dispose?.();
    if (!options.optimizer) optimizer.dispose();
  }
}

function checkCounts(epochs: number, batchSize: number): void {
  checkBatchSize(batchSize);
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new RangeError(`epochs: wanted an integer >= 1, got ${epochs}`);
  }
}

function checkLabelWeight(weight: number, { y }: TrainingData, terms: readonly LossTerm[]): void {
  if (!(weight >= 0 && Number.isFinite(weight))) {
    throw new RangeError(`labelWeight: wanted a finite number >= 0, got ${weight}`);
  }
  if (weight > 0 && y === undefined) throw new RangeError("y: wanted labels or targets, got none");
  if (weight === 0 && terms.length === 0) {
    throw new RangeError("labelWeight: wanted a number > 0 where the loss has no terms, got 0");
  }
}

function trainableWeights(model: LayersModel, learns = (_: ModelWeight) => true): ModelWeight[] {
  const weights = listWeights(model);
  const learned = new Set(model.trainableWeights.map((weight) => weight.read()));
  const trainable = weights.filter((weight) => learned.has(weight.variable) && learns(weight));
  if (trainable.length === 0) throw new RangeError("model: wanted weights that are trainable, got none");
  return trainable;
}

interface Run {
  readonly batchSize: number;
  readonly steps: number;
  readonly parts: readonly StepPart[];
  readonly learn: Learner;
  readonly clock: Clock;
  readonly sparsity: () => number;
  readonly setRate?: (progress: number) => void;
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
      run.setRate?.(step / run.steps);
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

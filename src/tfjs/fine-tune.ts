/** Trains a LayersModel on the active backend: seeded, in parts that compose, in reach of a signal. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { describeRun } from "./about.js";
import { checkData } from "./check-samples.js";
import { createClock } from "./clock.js";
import { clustering } from "./cluster/clustering.js";
import { createStopper } from "./early-stopping.js";
import { openForward } from "./forward.js";
import { type GradualPruning, gradualPruning } from "./gradual.js";
import { createLearner } from "./learner.js";
import { warnOfLogits } from "./logits-warning.js";
import { type Run, runEpochs, startOf, stepsDone } from "./loop.js";
import { findLoss, type Loss } from "./losses.js";
import { openNoise } from "./noise.js";
import { checkOptions, type FineTuneOptions, type FineTuneResult } from "./options.js";
import { type Quantizing, quantizing } from "./qat/quantizing.js";
import { constantRate, type RateSchedule, rateOf, setRate } from "./rates.js";
import { openCheckpoint } from "./resume.js";
import { openSamples, type Samples, type TrainingData } from "./samples.js";
import type { StepPart } from "./step.js";
import { openStreams, type Streams } from "./streams.js";
import { openValidation } from "./validation.js";
import { listWeights, type ModelWeight } from "./weights.js";

/**
 * Trains the trainable weights of a model: on labels, on terms of your own, or on both, with parts that
 * shape the weights meanwhile.
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
  try {
    checkOptions(options);
    checkData(data);
    options.signal?.throwIfAborted();
    return await train(model, await planRun(model, data, options), options);
  } finally {
    for (const held of [...(options?.parts ?? []), ...(options?.terms ?? [])]) held.dispose?.();
  }
}

/** What a run is made of; a part that is its own holds tensors at most once it trains. */
interface Plan {
  readonly weights: readonly ModelWeight[];
  readonly learned: readonly ModelWeight[];
  readonly loss: Loss | undefined;
  readonly samples: Samples;
  readonly stepsPerEpoch: number;
  readonly pruning: GradualPruning | undefined;
  readonly quantization: Quantizing | undefined;
  /** Parts that the run made itself, and all of them. */
  readonly own: readonly StepPart[];
  readonly parts: readonly StepPart[];
  readonly rate: RateSchedule | undefined;
  readonly streams: Streams;
}

async function planRun(model: LayersModel, data: TrainingData, options: FineTuneOptions): Promise<Plan> {
  const { batchSize = 64, labelWeight = 1, augment, learningRate, prune, cluster, quantize } = options;
  const weights = listWeights(model);
  const learned = learnedWeights(model, weights, options.variables);
  // Without answers the loss has nothing to compare, so the model may be without one.
  const unanswered = data.y === undefined && labelWeight === 0;
  if (data.y === undefined && !unanswered) {
    throw new RangeError(`y: wanted answers, got none: only with labelWeight 0, not ${labelWeight}`);
  }
  const loss = unanswered ? undefined : findLoss(model, options.loss);
  if (loss && labelWeight > 0) warnOfLogits(model, loss, options.onWarning);
  const streams = openStreams(options.seed ?? 0);
  const samples = openSamples(
    model,
    data,
    loss?.labelled ?? false,
    augment && ((x, count, shape) => augment(x, count, shape, streams.augment)),
  );
  if (loss && samples.answers === 0 && (options.terms ?? []).length === 0) {
    throw new RangeError("y: wanted samples with labels, got none");
  }
  const stepsPerEpoch = Math.ceil(samples.count / batchSize);
  const steps = options.epochs * stepsPerEpoch;
  const pruning = prune && gradualPruning(learned, prune, steps);
  const clusters = cluster && clustering(model, learned, cluster, steps, pruning?.end);
  const quantization = quantize && (await quantizing(model, data.x, quantize, steps));
  const rate = typeof learningRate === "number" ? constantRate(learningRate) : learningRate;
  // Codes are made of the values that weights share, and those of what pruning left.
  const own = [pruning, clusters, quantization].filter((part) => part !== undefined);
  const parts = [...own, ...(options.parts ?? [])];
  return { weights, learned, loss, samples, stepsPerEpoch, pruning, quantization, own, parts, rate, streams };
}

function learnedWeights(
  model: LayersModel,
  weights: readonly ModelWeight[],
  chosen: (weight: ModelWeight) => boolean = () => true,
): ModelWeight[] {
  const able = new Set(model.trainableWeights.map((weight) => weight.read()));
  const trainable = weights.filter(({ variable }) => able.has(variable));
  if (trainable.length === 0) throw new RangeError("model: wanted weights that are trainable, got none");
  const learned = trainable.filter(chosen);
  if (learned.length === 0) {
    const names = trainable.map(({ name }) => name).join(", ");
    throw new RangeError(`variables: wanted some of ${names}, got none`);
  }
  return learned;
}

async function train(model: LayersModel, plan: Plan, options: FineTuneOptions): Promise<FineTuneResult> {
  const { own, parts, pruning, quantization } = plan;
  const optimizer = options.optimizer ?? tf.train.adam(0.001);
  const rateBefore = plan.rate && rateOf(optimizer);
  try {
    const run = openRun(model, plan, optimizer, options);
    const position = startOf(plan.samples.count, run.terms, plan.streams);
    await run.checkpoint?.load(position);
    try {
      await runEpochs(run, position);
      run.stopper?.finish();
      const best = run.stopper?.best();
      return {
        steps: stepsDone(position, run.batchSize),
        epochs: position.figures,
        ...(best !== undefined && { bestEpoch: best + 1 }),
        sparsity: pruning?.sparsity() ?? 0,
        sparsities: pruning?.sparsities() ?? {},
        ...(pruning && { pruned: pruning.tensors() }),
        ...(quantization && { ranges: quantization.ranges() }),
        seconds: run.clock.seconds(),
      };
    } finally {
      for (const part of parts) part.finish?.();
    }
  } finally {
    for (const part of own) part.dispose?.();
    if (!options.optimizer) optimizer.dispose();
    else if (rateBefore !== undefined) setRate(optimizer, rateBefore);
  }
}

function openRun(model: LayersModel, plan: Plan, optimizer: tf.Optimizer, options: FineTuneOptions): Run {
  const { weights, learned, loss, samples, stepsPerEpoch, parts, rate, streams } = plan;
  const { epochs, batchSize = 64, labelWeight = 1, terms = [], validation, checkpoint } = options;
  for (const term of terms) term.open?.(model);
  const layers = [...new Set(terms.flatMap((term) => term.layers ?? []))];
  const noise = openNoise(model, () => streams.noise.uint32());
  const forward = openForward(model, layers, parts, noise);
  const ofTerms = terms.flatMap((term) => term.variables?.() ?? []);
  const variables = [...learned.map(({ variable }) => variable), ...ofTerms];
  const lesson = { forward, samples, labelWeight, terms, optimizer, variables };
  const clock = createClock();
  const run: Run = {
    epochs,
    batchSize,
    steps: epochs * stepsPerEpoch,
    terms: terms.map(({ name }) => name),
    parts,
    learn: createLearner({ ...lesson, ...(loss && { loss }) }),
    weights,
    optimizer,
    clock,
    pruning: plan.pruning,
    ...(rate && { rate }),
    ...(validation && { validate: openValidation(model, validation, loss, forward, clock) }),
    ...(options.earlyStopping && {
      stopper: createStopper(options.earlyStopping, weights, parts, stepsPerEpoch),
    }),
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.signal && { signal: options.signal }),
  };
  if (!checkpoint) return run;
  const about = describeRun(model, plan, optimizer, options);
  const changing = { run, weights: weights.map(({ variable }) => variable), ofTerms, variables };
  return { ...run, checkpoint: openCheckpoint(model, noise, checkpoint, about, changing) };
}

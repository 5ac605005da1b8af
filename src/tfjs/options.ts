/** What a training run is asked for, and what it tells. */

import type * as tf from "@tensorflow/tfjs-core";
import type { Ranges } from "../compress/index.js";
import { type Augment, checkKeys } from "../data/index.js";
import type { ClusterOptions } from "./cluster/clustering.js";
import type { EarlyStoppingOptions } from "./early-stopping.js";
import type { GradualPruneOptions, PrunedTensor } from "./gradual.js";
import type { LossFunction, LossName } from "./losses.js";
import type { Means } from "./meter.js";
import { checkBatchSize } from "./predict.js";
import type { QuantizeTrainingOptions } from "./qat/options.js";
import { checkRate, type RateSchedule } from "./rates.js";
import type { CheckpointOptions } from "./resume.js";
import type { TrainingData } from "./samples.js";
import type { LossTerm, StepPart } from "./step.js";
import type { Figures } from "./validation.js";
import type { ModelWeight } from "./weights.js";

export interface FineTuneOptions {
  /** Times through the data, an integer >= 1. */
  readonly epochs: number;
  /** Samples a step, an integer >= 1; 64 unless given. The last step of an epoch has what is left. */
  readonly batchSize?: number;
  /** One of tf.train, which stays its owner's; Adam unless given. */
  readonly optimizer?: tf.Optimizer;
  /**
   * A rate, or how it changes; 0.001 unless given. An optimizer that is given keeps its own unless this
   * is given, and has it back afterwards.
   */
  readonly learningRate?: number | RateSchedule;
  /** What the model was compiled with unless given. */
  readonly loss?: LossName | LossFunction;
  /** Factor of that loss, >= 0; 1 unless given. 0 leaves it out, for terms alone. */
  readonly labelWeight?: number;
  /** Added to the loss. */
  readonly terms?: readonly LossTerm[];
  /** Shape the weights as they learn, after `prune`, `cluster` and `quantize`, in this order. The run disposes them and the terms. */
  readonly parts?: readonly StepPart[];
  /** Which of the trainable weights learn; all unless given. */
  readonly variables?: (weight: ModelWeight) => boolean;
  /** Of the order of the samples, augmentation and dropout, any safe integer; 0 unless given. */
  readonly seed?: number;
  /** Changes each batch before the model sees it. */
  readonly augment?: Augment;
  /** Prunes as it trains. */
  readonly prune?: GradualPruneOptions;
  /** Lets weights share a few values, which learn together. */
  readonly cluster?: ClusterOptions;
  /** Trains for int8: steps see weights and values as `compress` with the `ranges` of the result has them. */
  readonly quantize?: true | QuantizeTrainingOptions;
  /** Data to measure at the end of each epoch, never learned from. */
  readonly validation?: TrainingData;
  /** Ends the run where the loss of the validation data falls no more. */
  readonly earlyStopping?: EarlyStoppingOptions;
  /**
   * Keeps the run where it survives a kill: started again with the same model (layers and their names),
   * data and options, it goes on, and ends with the same bits as if it had never been broken off (on the same backend and machine).
   * Of a run that is finished it keeps the end: started again, that is loaded and nothing is trained.
   */
  readonly checkpoint?: CheckpointOptions;
  /** Told about ten times a second, and at the end of each epoch. */
  readonly onProgress?: (progress: Progress) => void;
  /** Told once a model what is likely to be a mistake, such as a cross-entropy of logits; `console.warn` unless given. */
  readonly onWarning?: (message: string) => void;
  /**
   * Ends the run after the step under way, and after its checkpoint; its reason is thrown, the model keeps
   * what it learned.
   */
  readonly signal?: AbortSignal;
}

/** Means over the samples of an epoch, as met in training, and the validation after it. */
export interface EpochFigures extends Means {
  readonly validation?: Figures;
}

/** The means are those of this epoch so far, the validation is the last there was. */
export interface Progress extends EpochFigures {
  /** Counted from 1. */
  readonly epoch: number;
  /** Steps done, of all. */
  readonly step: number;
  readonly steps: number;
  /** Zeros among the weights that are pruned, in [0, 1]; 0 without `prune`. */
  readonly sparsity: number;
  /** With `prune`: what each weight tensor has lost by now and why. */
  readonly pruned?: readonly PrunedTensor[];
  readonly secondsLeft: number;
}

export interface FineTuneResult {
  /** Done: fewer than asked for where the run stopped early. */
  readonly steps: number;
  /** For each epoch, what the last progress of it said. */
  readonly epochs: readonly EpochFigures[];
  /** With early stopping: the epoch of the least validation loss, counted from 1. */
  readonly bestEpoch?: number;
  readonly sparsity: number;
  /** By name of the weight that was pruned. */
  readonly sparsities: Readonly<Record<string, number>>;
  /** With `prune`: what each weight tensor came to and why, those that were left dense among them. */
  readonly pruned?: readonly PrunedTensor[];
  /** With `quantize`: of the values in codes, for `compress` and `quantizedPredict`. */
  readonly ranges?: Ranges;
  readonly seconds: number;
}

const known: Readonly<Record<keyof FineTuneOptions, true>> = {
  epochs: true,
  batchSize: true,
  optimizer: true,
  learningRate: true,
  loss: true,
  labelWeight: true,
  terms: true,
  parts: true,
  variables: true,
  seed: true,
  augment: true,
  prune: true,
  cluster: true,
  quantize: true,
  validation: true,
  earlyStopping: true,
  checkpoint: true,
  onProgress: true,
  onWarning: true,
  signal: true,
};

/** @throws TypeError, RangeError for options out of range or at odds, as far as no model is needed */
export function checkOptions(options: FineTuneOptions): void {
  checkKeys("fineTune", options, known);
  const { epochs, batchSize = 64, learningRate, labelWeight = 1, parts = [], terms = [] } = options;
  checkBatchSize(batchSize);
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new RangeError(`epochs: wanted an integer >= 1, got ${epochs}`);
  }
  if (learningRate !== undefined && typeof learningRate !== "function") {
    if (typeof learningRate !== "number") {
      throw new TypeError(
        "learningRate: wanted a number > 0 or a schedule such as cosineRate({ from: 0.001 }), stepRate or " +
          `exponentialRate, got ${JSON.stringify(learningRate)}`,
      );
    }
    checkRate("learningRate", learningRate);
  }
  if (typeof labelWeight !== "number") {
    throw new TypeError(`labelWeight: wanted a number, got ${typeof labelWeight}`);
  }
  if (!(labelWeight >= 0 && Number.isFinite(labelWeight))) {
    throw new RangeError(`labelWeight: wanted a finite number >= 0, got ${labelWeight}`);
  }
  if (labelWeight === 0 && terms.length === 0) {
    throw new RangeError("labelWeight: wanted one > 0 where there are no terms, got 0");
  }
  const own = (["prune", "cluster", "quantize"] as const).filter((name) => options[name]);
  checkNames("parts", [...own.map((name) => ({ name })), ...parts]);
  checkNames("terms", terms);
  if (options.earlyStopping && !options.validation) {
    throw new RangeError("earlyStopping: wanted validation data with it, got none");
  }
}

function checkNames(option: string, named: readonly { readonly name: string }[]): void {
  const names = named.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new RangeError(`${option}: wanted names that differ, got ${twice} twice`);
}

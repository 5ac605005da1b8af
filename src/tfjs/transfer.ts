/** Transfer learning: what a model has learned of some classes, for others, of which there are few samples. */

import type { LayersModel } from "@tensorflow/tfjs-layers";
import { checkKeys } from "../data/index.js";
import { checkData } from "./check-samples.js";
import { fineTune } from "./fine-tune.js";
import { constantPart, frozenPart } from "./freeze.js";
import { checkOptions, type FineTuneOptions, type FineTuneResult, type Progress } from "./options.js";
import type { CheckpointOptions } from "./resume.js";
import type { TrainingData } from "./samples.js";
import { cacheFeatures, type Features, featureBytes } from "./transfer-cache.js";
import { type HeadOptions, headFor } from "./transfer-head.js";
import { cutModel, joinModels, shareModel } from "./transfer-model.js";
import { type PhasePlan, planPhase, slowerPart, type TransferPhase } from "./transfer-phases.js";
import { checkModel, listWeights } from "./weights.js";

export interface TransferOptions
  extends Pick<FineTuneOptions, "batchSize" | "loss" | "augment" | "validation" | "signal"> {
  /** Trained before; one input of known sizes. Its weights are shared, not copied. */
  readonly base: LayersModel;
  /** Name of the layer whose output is the features, nested ones too; the base's own output unless given. */
  readonly layer?: string;
  /** Of the head that is made, an integer >= 2. Not with a head that is given. */
  readonly classes?: number;
  /** A head of your own, on an input of the features' sizes, or how to make one for `classes`. */
  readonly head?: LayersModel | HeadOptions;
  /** x as the base wants it, y for the head: labels, unless `loss` says otherwise. */
  readonly data: TrainingData;
  /** One after the other, at least one: first a head on the frozen base, as a rule. */
  readonly phases: readonly TransferPhase[];
  /** Most bytes of features to keep, >= 0; 256 MiB unless given. With more, the base runs at every step. */
  readonly cacheBytes?: number;
  /** Of the order of samples and dropout, any safe integer; 0 unless given. Each phase adds its number. */
  readonly seed?: number;
  /** Where each phase, counted from 1, keeps its checkpoint: a store of its own. See `fineTune`. */
  readonly checkpoint?: (phase: number) => CheckpointOptions;
  /** Told as by `fineTune`. */
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface TransferProgress extends Progress {
  /** Counted from 1. Epochs, steps and time left are those of the phase. */
  readonly phase: number;
}

export interface PhaseResult extends FineTuneResult {
  /** Bytes of features that the head learned from; 0 where the base ran at every step. */
  readonly featureBytes: number;
}

export interface TransferResult {
  /** The base up to the layer with the head on it, as one model. Dispose it; the base keeps its weights. */
  readonly model: LayersModel;
  readonly phases: readonly PhaseResult[];
}

/**
 * Puts a new head on a base and trains it, then more of the base in phases if asked to.
 *
 * What is frozen is so to the bit: no weight of it changes, its batch normalizations use their moving
 * statistics and keep them, its dropouts let all pass, in nested models too, and also while other layers
 * are unfrozen. So its features are always the same, and are computed once for all epochs in which the
 * whole base is frozen, unless samples are augmented.
 *
 * Yosinski et al. 2014, How transferable are features in deep neural networks?
 *
 * For more than this (pruning, terms of the loss) use `cutModel`, `headFor`, `joinModels`, and `fineTune`
 * with `frozenPart`.
 *
 * @param options base, head, data and phases; layers that a phase unfreezes are changed in the base too
 * @returns the model, and what each phase came to
 * @throws TypeError, RangeError for options that do not fit, before anything is trained
 * @throws the signal's reason when it fires; the base keeps what it learned, as does a head that was given
 */
export async function transfer(options: TransferOptions): Promise<TransferResult> {
  checkTransfer(options);
  options.signal?.throwIfAborted();
  const models = openModels(options);
  const { base, head, model } = models;
  try {
    const plans = options.phases.map((phase) => planPhase(base, phase));
    const phases = await runPhases(options, models, plans);
    return { model, phases };
  } catch (error) {
    model.dispose();
    throw error;
  } finally {
    base.dispose(); // the weights of both stay with the model
    if (!isGiven(options.head)) head.dispose();
  }
}

const known: Readonly<Record<keyof TransferOptions, true>> = {
  base: true,
  layer: true,
  classes: true,
  head: true,
  data: true,
  phases: true,
  cacheBytes: true,
  seed: true,
  checkpoint: true,
  onProgress: true,
  batchSize: true,
  loss: true,
  augment: true,
  validation: true,
  signal: true,
};

function checkTransfer(options: TransferOptions): void {
  checkKeys("transfer", options, known);
  const { base, classes, head, data, phases, cacheBytes = 0 } = options;
  checkModel(base);
  if (isGiven(head) === (classes !== undefined)) {
    throw new RangeError("head: wanted a model or classes to make one for, got both or none of them");
  }
  checkData(data);
  if (!Array.isArray(phases)) throw new TypeError(`phases: wanted a list, got ${typeof phases}`);
  if (phases.length === 0) throw new RangeError("phases: wanted at least one, got none");
  if (!(cacheBytes >= 0)) throw new RangeError(`cacheBytes: wanted a number >= 0, got ${cacheBytes}`);
  for (const i of phases.keys()) checkOptions(settingsOf(options, i));
}

function isGiven(head: TransferOptions["head"]): head is LayersModel {
  return head !== undefined && Array.isArray((head as Partial<LayersModel>).layers);
}

interface Models {
  /** Up to the layer. */
  readonly base: LayersModel;
  readonly head: LayersModel;
  /** Both. */
  readonly model: LayersModel;
}

function openModels({ base: whole, layer, head: own, classes = 0 }: TransferOptions): Models {
  const base =
    layer === undefined ? shareModel(whole, whole.outputs, `${whole.name}_base`) : cutModel(whole, layer);
  let made: LayersModel | undefined;
  try {
    if (!isGiven(own)) made = headFor(base, classes, own);
    const head = made ?? (own as LayersModel);
    return { base, head, model: joinModels(base, head) };
  } catch (error) {
    made?.dispose();
    base.dispose();
    throw error;
  }
}

async function runPhases(
  options: TransferOptions,
  { base, head, model }: Models,
  plans: readonly PhasePlan[],
): Promise<PhaseResult[]> {
  const { data, validation, augment, signal, cacheBytes = 256 * 2 ** 20 } = options;
  const size = featureBytes(base, validation ? [data, validation] : [data]);
  const results: PhaseResult[] = [];
  let features: Features | undefined;
  for (const [i, plan] of plans.entries()) {
    const settings = settingsOf(options, i);
    if (plan.learning.length === 0 && !augment && size <= cacheBytes) {
      features ??= await cacheFeatures(base, data, validation, signal);
      const result = await fineTune(head, features.data, { ...settings, ...features.others });
      results.push({ ...result, featureBytes: size });
    } else {
      features = undefined; // the base is about to change
      const result = await fineTune(model, data, { ...settings, ...wholeModel(options, head, plan) });
      results.push({ ...result, featureBytes: 0 });
    }
  }
  return results;
}

/** Of a phase, as far as head and whole model have them in common. */
function settingsOf(options: TransferOptions, i: number): FineTuneOptions {
  const { batchSize, loss = "sparseCategoricalCrossentropy", validation, seed = 0, signal } = options;
  const { epochs, learningRate, earlyStopping } = options.phases[i];
  const { onProgress, checkpoint } = options;
  const phase = i + 1;
  return {
    epochs,
    loss,
    seed: seed + i,
    ...(batchSize !== undefined && { batchSize }),
    ...(learningRate !== undefined && { learningRate }),
    ...(validation && { validation }),
    ...(earlyStopping && { earlyStopping }),
    ...(signal && { signal }),
    ...(checkpoint && { checkpoint: checkpoint(phase) }),
    ...(onProgress && { onProgress: (progress: Progress) => onProgress({ ...progress, phase }) }),
  };
}

function wholeModel(
  { augment }: TransferOptions,
  head: LayersModel,
  { frozen, learning, baseRate }: PhasePlan,
): Pick<FineTuneOptions, "augment" | "variables" | "parts"> {
  const learned = new Set([...learning, ...listWeights(head).map(({ variable }) => variable)]);
  const parts =
    learning.length === 0 ? [constantPart(frozen)] : [frozenPart(frozen), slowerPart(learning, baseRate)];
  return {
    variables: ({ variable }) => learned.has(variable),
    parts,
    ...(augment && { augment }),
  };
}

/**
 * What takes part in a training run: pruning, quantization, clustering (parts, which shape the weights
 * while they learn) and the terms of its loss. The loop knows these two kinds and no more.
 */

import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";

/** Every member is called by the loop alone, in the order of this list. */
export interface StepPart {
  /** Names the part in a checkpoint: "prune". */
  readonly name: string;
  /**
   * Takes up what `state` gave: before the first step of a run that goes on, and after the last one of a
   * run that ends with an epoch before. The model has the weights of that moment already.
   */
  restore?(state: PartState): void;
  /** Before a step, which are counted from 0 over the whole run. */
  before?(step: number): void;
  /**
   * Runs a forward pass, and may let the model see other weights or values meanwhile. `training` is
   * false for a pass over validation data, of which nothing may be learned.
   */
  around?<T>(forward: () => T, training: boolean): T;
  /** After the optimizer moved the weights. */
  after?(step: number): void;
  /** False while steps after this one will still change what the model is: prune more of it. */
  settled?(step: number): boolean;
  /** Between two steps: all that a checkpoint must keep, apart from the model's weights. */
  state?(): PartState;
  /** Once, when the run ends, by itself or by its signal. */
  finish?(): void;
  /** Frees tensors, whatever happened. */
  dispose?(): void;
}

/** What a checkpoint keeps of a part: copies, by name. */
export interface PartState {
  readonly numbers?: Readonly<Record<string, number>>;
  readonly arrays?: Readonly<Record<string, Float32Array>>;
}

/** One term of the loss; the loop adds them up. */
export interface LossTerm {
  /** Names it in the progress: "softTargets". */
  readonly name: string;
  /** Layers of the model whose outputs it reads, beside the model's own output. */
  readonly layers?: readonly string[];
  /** Called once, before the first step, with the model under training. Makes what the term learns itself. */
  open?(model: LayersModel): void;
  /** Variables that it trains beside the model's: a projector. Same order at every call. */
  variables?(): tf.Variable[];
  /** @returns the term's mean over the batch, a scalar; differentiable in the model's outputs */
  of(batch: StepBatch): tf.Tensor;
  /** Frees what it holds. */
  dispose?(): void;
}

/** A batch in the forward pass. The tensors are the loop's: a term neither keeps nor disposes them. */
export interface StepBatch {
  /** Numbers of the samples in the training data. */
  readonly indices: Int32Array;
  /** As the model gets it, augmented if the run augments. */
  readonly x: tf.Tensor;
  /** One-hot rows for labels (all 0 where a sample has none), else targets. */
  readonly y: tf.Tensor;
  readonly output: tf.Tensor;
  /** The output of a layer that `layers` names, in this same pass. */
  activation(layer: string): tf.Tensor;
}

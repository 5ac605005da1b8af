/** What a classifier computes before its last activation: its logits. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type Activation, type Layer, type Watch, watchInput } from "./watch.js";

/** softmax: one of several classes; sigmoid: each output says yes or no by itself. */
export type Kind = "softmax" | "sigmoid";

export interface Head {
  /** What the model ends in; undefined where that is neither, as with a model that gives out logits. */
  readonly kind: Kind | undefined;
  /** Runs a forward pass whose logits are then known. */
  during<T>(forward: () => T): T;
  /**
   * Of the last pass, differentiable in the model's weights if the pass was.
   *
   * @param output what that pass gave out
   * @returns a tensor of the same shape; of a softmax up to a number that is the same for all classes
   */
  logits(output: tf.Tensor): tf.Tensor;
  dispose(): void;
}

/**
 * Finds the last activation of a model, through nested models.
 *
 * Logits are caught where the activation gets them, since they cannot be had back from its output: in f32 a
 * sigmoid is 1 from 17 on, so all that a teacher is sure of would look alike, and a student that is sure and
 * wrong would get no gradient. log(p) of a softmax has no such end (it is good down to e^-87, where nothing is left
 * of a class at any usual temperature), and is what is used where there is no activation to watch: with a Softmax
 * layer.
 */
export function openHead(model: LayersModel): Head {
  const layer = lastLayer(model);
  const { activation } = layer as { activation?: Activation };
  const kind = kindOf(layer);
  const watch: Watch | undefined = kind && activation && watchInput(activation);
  return {
    kind,
    during: (forward) => (watch ? watch.during(forward) : forward()),
    logits: (output) => watch?.value() ?? (kind ? logitsOf(kind, output) : output),
    dispose: () => watch?.dispose(),
  };
}

function lastLayer(model: LayersModel): Layer {
  const { sourceLayer } = model.outputs[0];
  return "layers" in sourceLayer ? lastLayer(sourceLayer as unknown as LayersModel) : sourceLayer;
}

function kindOf(layer: Layer): Kind | undefined {
  const { activation, layer: inner } = layer as { activation?: Activation; layer?: Layer };
  // It calls its layer once a step of time: there is no one call that could be watched.
  if (layer.getClassName() === "TimeDistributed" && inner) return kindOf(inner);
  const name = layer.getClassName() === "Softmax" ? "softmax" : activation?.getClassName();
  return name === "softmax" || name === "sigmoid" ? name : undefined;
}

const SMALLEST = 2 ** -126;
const BELOW_ONE = 1 - 2 ** -24;

function logitsOf(kind: Kind, output: tf.Tensor): tf.Tensor {
  const share = tf.clipByValue(output, SMALLEST, kind === "softmax" ? 1 : BELOW_ONE);
  if (kind === "softmax") return tf.log(share);
  return tf.sub(tf.log(share), tf.log1p(tf.neg(share)));
}

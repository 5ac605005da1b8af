/** What of a base learns in each phase of a transfer, and at which rate. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import { checkKeys } from "../data/index.js";
import type { EarlyStoppingOptions } from "./early-stopping.js";
import { isNormalization } from "./qat/normalization.js";
import type { RateSchedule } from "./rates.js";
import type { StepPart } from "./step.js";
import { leafLayers } from "./weights.js";

type Layer = layers.Layer;

/** The head learns in each phase; the base as far as the phase says. */
export interface TransferPhase {
  /** Times through the data, an integer >= 1. */
  readonly epochs: number;
  /** Of Adam, which starts anew in each phase: a rate, or how it changes; 0.001 unless given. */
  readonly learningRate?: number | RateSchedule;
  /**
   * Layers of the base that learn in this phase, whatever learned before; none unless given. A number means
   * so many at its end, a RegExp those whose names it finds; neither ever means a batch normalization.
   * A string is the name of one layer, of a batch normalization too: that one then learns, uses the
   * statistics of the batch, and moves its own.
   */
  readonly unfreeze?: number | string | RegExp | readonly (string | RegExp)[];
  /** The base's learning rate as a share of the head's, in (0, 1]; 1 unless given. */
  readonly baseRate?: number;
  /** Ends the phase where the loss of the validation data falls no more. */
  readonly earlyStopping?: EarlyStoppingOptions;
}

const known: Readonly<Record<keyof TransferPhase, true>> = {
  epochs: true,
  learningRate: true,
  unfreeze: true,
  baseRate: true,
  earlyStopping: true,
};

export interface PhasePlan {
  /** Layers of the base that run as in inference; no weight of them changes. */
  readonly frozen: readonly Layer[];
  /** Weights of the base that learn. */
  readonly learning: readonly tf.Variable[];
  readonly baseRate: number;
}

/**
 * @param base up to where the features are
 * @throws TypeError, RangeError for layers that are not there, have no weights or are not trainable, by name
 */
export function planPhase(base: LayersModel, phase: TransferPhase): PhasePlan {
  checkKeys("phases", phase, known);
  const { unfreeze, baseRate = 1 } = phase;
  if (!(baseRate > 0 && baseRate <= 1)) {
    throw new RangeError(`baseRate: wanted a share in (0, 1], got ${baseRate}`);
  }
  const all = leafLayers(base);
  const unfrozen = new Set(unfreeze === undefined ? [] : unfrozenLayers(all, unfreeze));
  const trainable = new Set(base.trainableWeights.map((weight) => weight.read() as tf.Variable));
  const learning = [...unfrozen].flatMap(({ name, weights }) => {
    const own = weights.map((weight) => weight.read() as tf.Variable).filter((one) => trainable.has(one));
    if (own.length > 0 || weights.length === 0) return own;
    throw new RangeError(`unfreeze: wanted layers that are trainable, got ${name}, which is set not to be`);
  });
  if (unfrozen.size > 0 && learning.length === 0) {
    const names = [...unfrozen].map(({ name }) => name).join(", ");
    throw new RangeError(`unfreeze: wanted a layer with weights, got ${names}`);
  }
  return { frozen: all.filter((layer) => !unfrozen.has(layer)), learning, baseRate };
}

function unfrozenLayers(all: readonly Layer[], unfreeze: NonNullable<TransferPhase["unfreeze"]>): Layer[] {
  if (typeof unfreeze === "number") return lastLayers(all, unfreeze);
  const patterns = typeof unfreeze === "string" || unfreeze instanceof RegExp ? [unfreeze] : unfreeze;
  if (!Array.isArray(patterns)) {
    throw new TypeError(`unfreeze: wanted a number, strings or RegExps, got ${typeof unfreeze}`);
  }
  return patterns.flatMap((pattern) => {
    const meant = all.filter((layer) => isMeant(layer, pattern));
    if (meant.length > 0) return meant;
    const names = all.filter(({ weights }) => weights.length > 0).map(({ name }) => name);
    throw new RangeError(
      `unfreeze: no layer is meant by ${pattern}; the base has ${names.join(", ") || "none with weights"}`,
    );
  });
}

function lastLayers(all: readonly Layer[], count: number): Layer[] {
  const able = all.filter((layer) => layer.weights.length > 0 && !isNormalization(layer));
  if (!Number.isInteger(count) || count < 1 || count > able.length) {
    throw new RangeError(
      `unfreeze: wanted a number of layers in [1, ${able.length}], which have weights and are no batch ` +
        `normalizations, got ${count}`,
    );
  }
  return able.slice(-count);
}

function isMeant(layer: Layer, pattern: unknown): boolean {
  if (typeof pattern === "string") return layer.name === pattern;
  if (!(pattern instanceof RegExp)) {
    throw new TypeError(`unfreeze: wanted strings or RegExps, got ${typeof pattern}`);
  }
  return !isNormalization(layer) && layer.name.search(pattern) >= 0;
}

/**
 * A part of `fineTune` that lets some weights learn at a share of the learning rate: it takes back the rest
 * of each step. With Adam, whose steps are proportional to the rate, this is that very rate, which scaled
 * gradients would not be.
 *
 * @param variables that learn more slowly
 * @param share of the rate, in (0, 1]
 */
export function slowerPart(variables: readonly tf.Variable[], share: number): StepPart {
  let before: tf.Tensor[] = [];
  const dispose = () => {
    tf.dispose(before);
    before = [];
  };
  return {
    name: "slower",
    before() {
      if (share === 1) return;
      // Not clones: these share the buffer, which an optimizer in tfjs' own memory changes in place.
      before = tf.tidy(() => variables.map((variable) => tf.mul(variable, 1)));
    },
    after() {
      for (const [i, value] of before.entries()) {
        const variable = variables[i];
        tf.tidy(() => variable.assign(tf.add(value, tf.mul(tf.sub(variable, value), share))));
      }
      dispose();
    },
    dispose,
  };
}

/** The losses of training by name, with tfjs-layers' own formulas, and what counts as a right answer. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";

export type LossName =
  | "sparseCategoricalCrossentropy"
  | "categoricalCrossentropy"
  | "binaryCrossentropy"
  | "meanSquaredError"
  | "meanAbsoluteError";

/** Targets and outputs of a batch to a loss of any shape, whose mean counts. */
export type LossFunction = (target: tf.Tensor, output: tf.Tensor) => tf.Tensor;

export interface Loss {
  readonly of: LossFunction;
  /** The targets are labels, which come as one-hot rows; a row of zeros is a sample without a label. */
  readonly labelled: boolean;
  /** The outputs have to be probabilities: of one of several classes, or each of a yes. */
  readonly probabilities?: "softmax" | "sigmoid";
  /** Number of right answers in a batch; absent where the loss is no classification. */
  readonly correct?: LossFunction;
}

const EPSILON = 1e-7;

const losses: Readonly<Record<LossName, Loss>> = {
  sparseCategoricalCrossentropy: {
    of: crossEntropy,
    labelled: true,
    probabilities: "softmax",
    correct: sameLabel,
  },
  categoricalCrossentropy: {
    of: crossEntropy,
    labelled: false,
    probabilities: "softmax",
    correct: sameClass,
  },
  binaryCrossentropy: {
    of: binaryCrossEntropy,
    labelled: false,
    probabilities: "sigmoid",
    correct: sameSide,
  },
  meanSquaredError: { of: (target, output) => tf.squaredDifference(target, output), labelled: false },
  meanAbsoluteError: { of: (target, output) => tf.abs(tf.sub(target, output)), labelled: false },
};

/**
 * The loss that was asked for, or else the one that the model was compiled with.
 *
 * @throws RangeError for an unknown name, or where there is neither
 */
export function findLoss(model: LayersModel, asked?: LossName | LossFunction): Loss {
  const loss: unknown = asked ?? onlyOne(model.loss);
  if (typeof loss === "function") return { of: loss as LossFunction, labelled: false };
  if (typeof loss === "string" && Object.hasOwn(losses, loss)) return losses[loss as LossName];
  const compiled = asked === undefined ? compiledLosses(model)?.[0] : undefined;
  if (compiled) return { of: compiled, labelled: false };
  throw new RangeError(
    `loss: wanted one of ${Object.keys(losses).join(", ")} or a function, got ${loss ?? "none, of a model that is not compiled"}`,
  );
}

/** Compiled with a list of one, or with one by the name of the output. */
function onlyOne(loss: unknown): unknown {
  const all = typeof loss === "object" && loss !== null ? Object.values(loss) : [];
  return all.length === 1 ? all[0] : loss;
}

/** A Sequential leaves them with the model that it wraps. */
function compiledLosses(model: LayersModel): LossFunction[] | undefined {
  return model.lossFunctions ?? (model as { model?: LayersModel }).model?.lossFunctions;
}

/** -sum(target log(output)), the outputs brought to a sum of 1 and kept off 0 and 1. */
function crossEntropy(target: tf.Tensor, output: tf.Tensor): tf.Tensor {
  const shares = tf.div(output, tf.sum(output, -1, true));
  return tf.neg(tf.sum(tf.mul(target, tf.log(tf.clipByValue(shares, EPSILON, 1 - EPSILON))), -1));
}

/** -(target log(output) + (1 - target) log(1 - output)), outputs kept off 0 and 1. */
function binaryCrossEntropy(target: tf.Tensor, output: tf.Tensor): tf.Tensor {
  const share = tf.clipByValue(output, EPSILON, 1 - EPSILON);
  const yes = tf.mul(target, tf.log(share));
  const no = tf.mul(tf.sub(1, target), tf.log(tf.sub(1, share)));
  return tf.neg(tf.add(yes, no));
}

function sameLabel(target: tf.Tensor, output: tf.Tensor): tf.Tensor {
  const same = tf.equal(tf.argMax(target, -1), tf.argMax(output, -1));
  return tf.sum(tf.logicalAnd(same, tf.equal(tf.max(target, -1), 1)));
}

function sameClass(target: tf.Tensor, output: tf.Tensor): tf.Tensor {
  return tf.sum(tf.equal(tf.argMax(target, -1), tf.argMax(output, -1)));
}

/** Of several yes-or-no outputs each counts, so this is the mean over them. */
function sameSide(target: tf.Tensor, output: tf.Tensor): tf.Tensor {
  const same = tf.cast(tf.equal(tf.greater(target, 0.5), tf.greater(output, 0.5)), "float32");
  return tf.div(tf.sum(same), target.size / target.shape[0]);
}

/** DeViSE: a linear map to the attributes, trained to rank a sample's own class first. */

import * as tf from "@tensorflow/tfjs-core";
import { Matrix } from "ml-matrix";
import { createRandom } from "../../data/index.js";
import { type Clock, createClock } from "../clock.js";
import { checkBatchSize } from "../predict.js";
import { createZeroShotModel, type Similarity, type ZeroShotModel } from "./model.js";
import { checkPositive, openTraining, type Training, type ZeroShotData } from "./rows.js";

export interface DeviseOptions extends ZeroShotData {
  /** Times through the samples, an integer >= 1. */
  readonly epochs: number;
  /** By how much a sample's own class must score above each other one, > 0; 0.1 unless given. */
  readonly margin?: number;
  /** Samples a step, an integer >= 1; 64 unless given. */
  readonly batchSize?: number;
  /** Adam's, > 0; 0.001 unless given. */
  readonly learningRate?: number;
  /** Of the order of the samples, any safe integer; 0 unless given. */
  readonly seed?: number;
  /** "dot", which is what it is trained for, unless given. */
  readonly similarity?: Similarity;
  /** Told about ten times a second, and at the end of each epoch. */
  readonly onProgress?: (progress: DeviseProgress) => void;
  /** Ends the run after the step under way; its reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface DeviseProgress {
  /** Counted from 1. */
  readonly epoch: number;
  /** Steps done, of all. */
  readonly step: number;
  readonly steps: number;
  /** Mean over the samples of this epoch so far. */
  readonly loss: number;
  readonly secondsLeft: number;
}

/**
 * Learns a W on the active backend, from W = 0, by the hinge loss of ranking: of a sample x of class y, the
 * sum over the other seen classes of max(0, margin - x W s_y + x W s_other).
 *
 * The problem is convex, so the seed decides the order of the samples and no more. The paper has attributes
 * of length 1: `attributeScaling: "l2"`.
 *
 * Frome et al., DeViSE: a deep visual-semantic embedding model, NeurIPS 2013.
 *
 * @param options features, labels and attributes; epochs and the rest
 * @returns a model of all classes in `attributes`
 * @throws TypeError, RangeError for data or numbers that do not fit
 * @throws the signal's reason when it fires
 */
export async function devise(options: DeviseOptions): Promise<ZeroShotModel> {
  const { epochs, batchSize = 64, margin = 0.1, learningRate = 0.001, signal } = options;
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new RangeError(`epochs: wanted an integer >= 1, got ${epochs}`);
  }
  checkBatchSize(batchSize);
  checkPositive("margin", margin);
  checkPositive("learningRate", learningRate);
  signal?.throwIfAborted();
  const training = openTraining(options);
  const head = openHead(training, margin, learningRate);
  try {
    await train(head, training.places, options, batchSize);
    const weights = Matrix.from1DArray(
      training.features.columns,
      training.seenAttributes.columns,
      Array.from(head.weights.dataSync()),
    );
    return createZeroShotModel(training, weights, options.similarity ?? "dot");
  } finally {
    head.dispose();
  }
}

interface Head {
  /** f32[features, attributes] */
  readonly weights: tf.Variable;
  /** One step; the sum of its losses joins the total. */
  learn(indices: Int32Array): void;
  /** Sum of losses since it was last set to 0. */
  readonly total: tf.Variable;
  dispose(): void;
}

function openHead(training: Training, margin: number, learningRate: number): Head {
  const { features, seen, seenAttributes } = training;
  const optimizer = tf.train.adam(learningRate);
  const held = tf.tidy(() => ({
    x: tf.tensor2d(Float32Array.from(features.to1DArray()), [features.rows, features.columns]),
    classes: tf.tensor2d(Float32Array.from(seenAttributes.transpose().to1DArray()), [
      seenAttributes.columns,
      seenAttributes.rows,
    ]),
    places: tf.tensor1d(training.places, "int32"),
    weights: tf.variable(tf.zeros([features.columns, seenAttributes.columns])),
    total: tf.variable(tf.scalar(0), false),
  }));

  function learn(indices: Int32Array): void {
    tf.tidy(() => {
      const chosen = tf.tensor1d(indices, "int32");
      const x = tf.gather(held.x, chosen);
      const own = tf.cast(tf.oneHot(tf.gather(held.places, chosen) as tf.Tensor1D, seen.length), "float32");
      const lossOf = () => tf.mean(rankingLoss(x, own)) as tf.Scalar;
      const loss = optimizer.minimize(lossOf, true, [held.weights]) as tf.Scalar;
      held.total.assign(tf.add(held.total, tf.mul(loss, indices.length)));
    });
  }

  /** f32[batch] */
  function rankingLoss(x: tf.Tensor, own: tf.Tensor): tf.Tensor {
    const scores = tf.matMul(tf.matMul(x as tf.Tensor2D, held.weights as tf.Tensor2D), held.classes);
    const ownScore = tf.sum(tf.mul(scores, own), 1, true);
    const hinges = tf.relu(tf.add(tf.sub(scores, ownScore), margin));
    return tf.sum(tf.mul(hinges, tf.sub(1, own)), 1);
  }

  return {
    weights: held.weights,
    total: held.total,
    learn,
    dispose() {
      tf.dispose([held.x, held.classes, held.places, held.weights, held.total]);
      optimizer.dispose();
    },
  };
}

async function train(
  head: Head,
  places: Int32Array,
  { epochs, seed = 0, onProgress, signal }: DeviseOptions,
  batchSize: number,
): Promise<void> {
  const random = createRandom(seed);
  const order = Int32Array.from(places.keys());
  const stepsEach = Math.ceil(order.length / batchSize);
  const steps = epochs * stepsEach;
  const clock = createClock();
  for (let epoch = 1, step = 0; epoch <= epochs; epoch++) {
    random.shuffle(order);
    tf.tidy(() => head.total.assign(tf.scalar(0)));
    for (let from = 0; from < order.length; from += batchSize) {
      const to = Math.min(order.length, from + batchSize);
      head.learn(order.slice(from, to)); // a copy: backend cpu keeps what it is given
      step += 1;
      if (to < order.length && !clock.isDue()) continue;
      const loss = (await head.total.data())[0] / to;
      onProgress?.({ epoch, step, steps, loss, secondsLeft: secondsLeft(clock, step, steps) });
      await clock.pause();
      signal?.throwIfAborted();
    }
  }
}

function secondsLeft(clock: Clock, step: number, steps: number): number {
  return (clock.seconds() / step) * (steps - step);
}

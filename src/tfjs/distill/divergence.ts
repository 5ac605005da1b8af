/** Kullback-Leibler divergences of probabilities that are given as logits, and means of them. */

import * as tf from "@tensorflow/tfjs-core";
import type { Kind } from "./head.js";

/**
 * KL(teacher || student), the mean over all distributions: rows of a softmax, single outputs of a sigmoid.
 *
 * @param teacher logits, f32[..., classes]; no gradient is asked of them
 * @param student logits of the same shape
 * @returns a scalar >= 0, differentiable in `student`
 */
export function divergence(kind: Kind, teacher: tf.Tensor, student: tf.Tensor): tf.Tensor {
  return tf.mean(kind === "softmax" ? categorical(teacher, student) : binary(teacher, student));
}

/** sum(p log(p / q)) over the last axis. */
function categorical(teacher: tf.Tensor, student: tf.Tensor): tf.Tensor {
  const logP = tf.logSoftmax(teacher);
  return tf.sum(tf.mul(tf.exp(logP), tf.sub(logP, tf.logSoftmax(student))), -1);
}

/** p log(p / q) + (1 - p) log((1 - p) / (1 - q)), where -log sigmoid(x) is softplus(-x): no end at any x. */
function binary(teacher: tf.Tensor, student: tf.Tensor): tf.Tensor {
  const yes = tf.sub(tf.softplus(tf.neg(student)), tf.softplus(tf.neg(teacher)));
  const no = tf.sub(tf.softplus(student), tf.softplus(teacher));
  return tf.add(tf.mul(tf.sigmoid(teacher), yes), tf.mul(tf.sigmoid(tf.neg(teacher)), no));
}

/**
 * Logits of the weighted mean of several teachers' probabilities at a temperature.
 *
 * @param all logits of each teacher, of one shape
 * @param weights one a teacher, > 0, of sum 1
 * @returns logits at temperature 1: of one teacher, its own divided by the temperature
 */
export function soften(
  kind: Kind,
  all: readonly tf.Tensor[],
  weights: readonly number[],
  temperature: number,
): tf.Tensor {
  const softened = all.map((logits) => tf.div(logits, temperature));
  if (softened.length === 1) return softened[0];
  const meanOf = (probability: (x: tf.Tensor) => tf.Tensor) =>
    softened.map((x, i) => tf.mul(probability(x), weights[i])).reduce((sum, x) => tf.add(sum, x));
  if (kind === "softmax") return tf.log(tf.maximum(meanOf(tf.softmax), SMALLEST));
  // Both sides by themselves: 1 - p would be 0 for a p that is nearly 1.
  const yes = tf.maximum(meanOf(tf.sigmoid), SMALLEST);
  const no = tf.maximum(
    meanOf((x) => tf.sigmoid(tf.neg(x))),
    SMALLEST,
  );
  return tf.sub(tf.log(yes), tf.log(no));
}

const SMALLEST = 2 ** -126;

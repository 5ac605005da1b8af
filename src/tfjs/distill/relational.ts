/** Relational distillation: how samples of a batch lie to each other, not what each is. */

import * as tf from "@tensorflow/tfjs-core";
import { product } from "../columns.js";
import type { StepBatch } from "../step.js";
import { checkNumber, type DistillationLoss, kindOf, type Pair } from "./loss.js";
import { findLayer, layerShape } from "./watch.js";

export interface RelationalOptions {
  /** Weight of the distances between two samples, >= 0; 25 unless given. */
  readonly distance?: number;
  /** Weight of the angles between three, >= 0; 50 unless given. It takes samples^3 numbers a batch. */
  readonly angle?: number;
  /** Layers whose outputs are compared, of any sizes; unless given, the logits, of a softmax log-probabilities. */
  readonly teacherLayer?: string;
  readonly studentLayer?: string;
  /** Which of several teachers gives the layer, counted from 0; the first unless given. */
  readonly teacher?: number;
}

/**
 * Adds `distance L(distances) + angle L(angles)`: distances of all pairs, divided by their mean over the batch;
 * cosines at the middle one of all triples; L the mean of Huber's loss with its bend at 1, over all pairs and
 * triples, those that meet themselves included. Park et al. 2019, Relational Knowledge Distillation, as in their code.
 *
 * @throws TypeError, RangeError for options out of range, or one layer without the other
 */
export function relational(options: RelationalOptions = {}): DistillationLoss {
  const { distance = 25, angle = 50, teacherLayer, studentLayer, teacher = 0 } = options;
  checkNumber("distance", distance, { least: 0 });
  checkNumber("angle", angle, { least: 0 });
  if ((teacherLayer === undefined) !== (studentLayer === undefined)) {
    throw new RangeError("relational: wanted both teacherLayer and studentLayer, or neither, got one");
  }
  const from = teacherLayer === undefined ? undefined : { layer: teacherLayer, teacher };
  return {
    name: "relational",
    ...(from && { teacherLayers: [from] }),
    term: (pair) => {
      if (studentLayer !== undefined)
        layerShape(findLayer(pair.student, studentLayer, "studentLayer"), "studentLayer");
      const read = from && studentLayer !== undefined ? layersOf(pair, from, studentLayer) : logitsOf(pair);
      return {
        name: "relational",
        ...(studentLayer !== undefined && { layers: [studentLayer] }),
        of: (batch) => {
          const [shown, own] = read(batch).map(differences);
          const terms: tf.Tensor[] = [];
          if (distance > 0) terms.push(tf.mul(huber(distances(shown), distances(own)), distance));
          if (angle > 0) terms.push(tf.mul(huber(cosines(shown), cosines(own)), angle));
          return terms.reduce((sum, term) => tf.add(sum, term), tf.scalar(0) as tf.Tensor);
        },
      };
    },
  };
}

/** Teacher's values and the student's. */
type Read = (batch: StepBatch) => readonly [tf.Tensor, tf.Tensor];

function layersOf({ teachers }: Pair, from: { layer: string; teacher: number }, studentLayer: string): Read {
  return (batch) => [teachers.layer(from, batch), batch.activation(studentLayer)];
}

/** Logits of a softmax mean something up to a number alone: they are brought to those of probabilities. */
function logitsOf(pair: Pair): Read {
  const kind = pair.head.kind ?? pair.teachers.kind ?? "softmax";
  kindOf(pair, kind);
  const bring = (logits: tf.Tensor) => (kind === "softmax" ? tf.logSoftmax(logits) : logits);
  return (batch) => [bring(pair.teachers.softened(kind, batch, 1)), bring(pair.head.logits(batch.output))];
}

/** f32[samples, ...] -> f32[samples, samples, numbers], [i][j] = x[j] - x[i]. No product of the two: that cancels. */
function differences(x: tf.Tensor): tf.Tensor {
  const [samples, ...sizes] = x.shape;
  const size = product(sizes);
  return tf.sub(tf.reshape(x, [1, samples, size]), tf.reshape(x, [samples, 1, size]));
}

/** Two samples are nearer than this only if they are the same, and then their distance has no gradient. */
const SMALLEST_SQUARE = 1e-12;

/** f32[samples, samples], 0 for a sample and itself. */
function norms(between: tf.Tensor): { readonly norm: tf.Tensor; readonly apart: tf.Tensor } {
  const square = tf.sum(tf.square(between), -1);
  const apart = tf.step(tf.sub(square, SMALLEST_SQUARE)); // not `greater`, which has no gradient, not even 0
  return { norm: tf.mul(tf.sqrt(tf.maximum(square, SMALLEST_SQUARE)), apart), apart };
}

/** Divided by the mean of those that are not 0. */
function distances(between: tf.Tensor): tf.Tensor {
  const { norm, apart } = norms(between);
  const mean = tf.div(tf.sum(norm), tf.maximum(tf.sum(apart), 1));
  return tf.div(norm, tf.maximum(mean, Math.sqrt(SMALLEST_SQUARE)));
}

/** f32[samples, samples, samples]: at sample [0], the cosine between the ways to samples [1] and [2]. */
function cosines(between: tf.Tensor): tf.Tensor {
  const { norm } = norms(between);
  const directions = tf.div(between, tf.expandDims(tf.maximum(norm, Math.sqrt(SMALLEST_SQUARE)), -1));
  return tf.matMul(directions, directions, false, true);
}

/** The mean of x^2 / 2 for |x| < 1, |x| - 1/2 beyond. */
function huber(wanted: tf.Tensor, got: tf.Tensor): tf.Tensor {
  const size = tf.abs(tf.sub(wanted, got));
  const near = tf.minimum(size, 1);
  return tf.mean(tf.add(tf.mul(tf.square(near), 0.5), tf.sub(size, near)));
}

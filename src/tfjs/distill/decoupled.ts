/** Decoupled distillation: the target class against the rest, and the rest among themselves, each with its weight. */

import * as tf from "@tensorflow/tfjs-core";
import type { StepBatch } from "../step.js";
import { divergence } from "./divergence.js";
import { checkNumber, type DistillationLoss, kindOf } from "./loss.js";

export interface DecoupledOptions {
  /** Of the target class against all others, >= 0; 1 unless given. */
  readonly alpha?: number;
  /** Of the other classes among themselves, >= 0; 8 unless given. */
  readonly beta?: number;
  /** > 0; 4 unless given. */
  readonly temperature?: number;
}

/**
 * Adds `temperature^2 (alpha TCKD + beta NCKD)` to the loss of the labels. In soft targets the second part counts
 * the less the surer a teacher is, though it holds most of what there is to learn. Zhao et al. 2022, Decoupled
 * Knowledge Distillation, equation 7.
 *
 * The target class is that of the label; for a sample without one, the class that the teacher finds likeliest.
 * Wants models that end in a softmax, or give out logits of one.
 *
 * @throws TypeError, RangeError for options out of range
 */
export function decoupled({ alpha = 1, beta = 8, temperature = 4 }: DecoupledOptions = {}): DistillationLoss {
  checkNumber("alpha", alpha, { least: 0 });
  checkNumber("beta", beta, { least: 0 });
  checkNumber("temperature", temperature, { above: 0 });
  return {
    name: "decoupled",
    term: (pair) => {
      kindOf(pair, "softmax");
      const [{ shape }] = pair.student.outputs;
      if (shape.length !== 2 || (shape[1] as number) < 2) {
        throw new RangeError(
          `decoupled: wanted a student with an output of [classes], got [${shape.slice(1)}]`,
        );
      }
      return {
        name: "decoupled",
        of: (batch) => {
          const teacher = pair.teachers.softened("softmax", batch, temperature);
          const student = tf.div(pair.head.logits(batch.output), temperature);
          const target = targetOf(batch, teacher);
          const [ofTeacher, ofStudent] = [teacher, student].map((logits) => decouple(logits, target));
          const aside = tf.mul(divergence("sigmoid", ofTeacher.target, ofStudent.target), alpha);
          const among = tf.mul(divergence("softmax", ofTeacher.others, ofStudent.others), beta);
          return tf.mul(tf.add(aside, among), temperature ** 2);
        },
      };
    },
  };
}

/** One-hot rows: the largest of a label's row, or the teacher's answer where that row is all 0. */
function targetOf({ y }: StepBatch, teacher: tf.Tensor): tf.Tensor {
  const classes = teacher.shape[1] as number;
  const labelled = tf.cast(tf.greater(tf.max(y, -1, true), 0), "float32");
  // By way of int32: asked for f32, backend wasm (4.22) writes the bits of integers.
  const oneHot = (x: tf.Tensor) => tf.cast(tf.oneHot(tf.cast(tf.argMax(x, -1), "int32"), classes), "float32");
  return tf.add(tf.mul(oneHot(y), labelled), tf.mul(oneHot(teacher), tf.sub(1, labelled)));
}

/** e^-1000 is 0 in f32, and 1000 leaves to what it is taken from all but its last bits. */
const AWAY = 1000;

/**
 * The logit of the target against the sum of the others, z - log(sum(exp(others))): a yes-or-no divergence of it is
 * that of the pair (p, 1 - p) without 1 - p, which is 0 where a model is sure. And logits of the others alone.
 */
function decouple(logits: tf.Tensor, target: tf.Tensor): { target: tf.Tensor; others: tf.Tensor } {
  const own = tf.sum(tf.mul(logits, target), -1);
  // The target's own logit is taken out first, so that no size of it can bring it back.
  const others = tf.sub(tf.mul(logits, tf.sub(1, target)), tf.mul(target, AWAY));
  return { target: tf.sub(own, tf.logSumExp(others, -1)), others };
}

/** Soft targets: the student learns the teacher's probabilities, wrong answers included. */

import * as tf from "@tensorflow/tfjs-core";
import { divergence } from "./divergence.js";
import type { Kind } from "./head.js";
import { checkNumber, type DistillationLoss, kindOf } from "./loss.js";

export interface SoftTargetsOptions {
  /** Divides the logits of both, > 0; 4 unless given. */
  readonly temperature?: number;
  /** Share of this term in the loss, in [0, 1]; 0.9 unless given. */
  readonly alpha?: number;
  /** What both models end in unless given; to be given where they give out logits. */
  readonly kind?: Kind;
}

/**
 * The loss becomes `(1 - alpha) labels + alpha temperature^2 KL(teacher || student)`, both at the temperature; the
 * square keeps the size of the gradient the same at every temperature. Hinton, Vinyals and Dean 2015, Distilling
 * the Knowledge in a Neural Network.
 *
 * For a softmax, KL of its classes, the mean over the samples. For a sigmoid, the same of each output's yes and no, the
 * mean over outputs and samples. Samples without a label have this term alone.
 *
 * @throws TypeError, RangeError for options out of range
 */
export function softTargets({
  temperature = 4,
  alpha = 0.9,
  kind: asked,
}: SoftTargetsOptions = {}): DistillationLoss {
  checkNumber("temperature", temperature, { above: 0 });
  checkNumber("alpha", alpha, { least: 0, most: 1 });
  return {
    name: "softTargets",
    labelWeight: 1 - alpha,
    term: (pair) => {
      const kind = kindOf(pair, asked);
      const scale = alpha * temperature ** 2;
      return {
        name: "softTargets",
        of: (batch) => {
          const teacher = pair.teachers.softened(kind, batch, temperature);
          const student = tf.div(pair.head.logits(batch.output), temperature);
          return tf.mul(divergence(kind, teacher, student), scale);
        },
      };
    },
  };
}

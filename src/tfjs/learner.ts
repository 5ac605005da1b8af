/** One step of training: forward, backward, optimizer. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Loss } from "./losses.js";
import type { Samples } from "./samples.js";
import type { StepPart } from "./step.js";

/** What a step came to, still on the device; whoever reads it disposes it. */
export interface Outcome {
  readonly samples: number;
  /** Mean loss, a scalar. */
  readonly loss: tf.Tensor;
  /** Right answers, a scalar. */
  readonly correct?: tf.Tensor;
}

/** Trains on the samples of these numbers. */
export type Learner = (indices: Int32Array) => Outcome;

/** The step of `model.fit`, which tfjs keeps to itself, on data of our own. */
export function createLearner(
  model: LayersModel,
  samples: Samples,
  loss: Loss,
  optimizer: tf.Optimizer,
  variables: tf.Variable[],
  parts: readonly StepPart[] = [],
): Learner {
  const around = <T>(forward: () => T): T =>
    parts.reduceRight<() => T>(
      (inner, part) => () => (part.around ? part.around(inner) : inner()),
      forward,
    )();
  return (indices) => {
    let correct: tf.Tensor | undefined;
    const step = () => {
      const { x, y } = samples.batch(indices);
      const lossOf = () => {
        const output = around(() => model.apply(x, { training: true }) as tf.Tensor);
        if (loss.correct) correct = tf.keep(loss.correct(y, output));
        const mean: tf.Tensor = tf.mean(loss.of(y, output));
        return model.calculateLosses().reduce((sum, penalty) => tf.add(sum, penalty), mean) as tf.Scalar;
      };
      return optimizer.minimize(lossOf, true, variables) as tf.Scalar;
    };
    try {
      return outcomeOf(tf.tidy(step));
    } catch (error) {
      correct?.dispose(); // as where the backend has no gradient of an op
      throw error;
    }

    function outcomeOf(value: tf.Tensor): Outcome {
      return { samples: indices.length, loss: value, ...(correct && { correct }) };
    }
  };
}

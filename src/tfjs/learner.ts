/** One step of training: forward, backward, optimizer. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Loss } from "./losses.js";
import { withOutputs } from "./outputs.js";
import type { Samples } from "./samples.js";
import type { LossTerm, StepBatch, StepPart } from "./step.js";

/** What a step came to, still on the device; whoever reads it disposes it. */
export interface Outcome {
  readonly samples: number;
  /** Of them, those that have a label or a target. */
  readonly labelled: number;
  /** The whole loss, a mean over the samples: a scalar. */
  readonly loss: tf.Tensor;
  /** Right answers among those with a label, a scalar. */
  readonly correct?: tf.Tensor;
}

/** Trains on the samples of these numbers. */
export type Learner = (indices: Int32Array) => Outcome;

export interface LearnerOptions {
  readonly model: LayersModel;
  readonly samples: Samples;
  readonly optimizer: tf.Optimizer;
  /** Weights of the model that learn; those of the terms do besides. */
  readonly variables: readonly tf.Variable[];
  /** The loss of the labels and its factor; absent where only the terms count. */
  readonly label?: { readonly loss: Loss; readonly weight: number };
  readonly terms: readonly LossTerm[];
  readonly parts: readonly StepPart[];
}

/** The step of `model.fit`, which tfjs keeps to itself, on data of our own and with more terms in its loss. */
export function createLearner(options: LearnerOptions): Learner {
  const { model, samples, optimizer, label, terms, parts } = options;
  const layers = [...new Set(terms.flatMap((term) => term.layers ?? []))];
  const whole = withOutputs(model, layers);
  const variables = [...options.variables, ...terms.flatMap((term) => term.variables?.() ?? [])];

  function forward(x: tf.Tensor): tf.Tensor[] {
    const run = () => [whole.apply(x, { training: true }) as tf.Tensor | tf.Tensor[]].flat();
    return parts.reduceRight<() => tf.Tensor[]>(
      (inner, part) => () => (part.around ? part.around(inner) : inner()),
      run,
    )();
  }

  return (indices) => {
    const { x, y, labelled } = samples.batch(indices);
    let correct: tf.Tensor | undefined;
    const lossOf = () => {
      const [output, ...others] = forward(x);
      const activation = (layer: string) => others[layers.indexOf(layer)];
      const batch: StepBatch = { indices, x, y, output, activation };
      if (label && labelled > 0 && label.loss.correct) {
        correct = tf.keep(label.loss.correct(y, output));
      }
      const sum: tf.Tensor[] = terms.map((term) => term.of(batch));
      if (label && labelled > 0) sum.unshift(labelLoss(label.loss.of(y, output), label.weight, labelled));
      sum.push(...model.calculateLosses());
      return (sum.length > 0 ? tf.addN(sum) : tf.scalar(0)) as tf.Scalar;
    };
    try {
      const loss = tf.tidy(() => optimizer.minimize(lossOf, true, variables) as tf.Scalar);
      return { samples: indices.length, labelled, loss, ...(correct && { correct }) };
    } catch (error) {
      correct?.dispose(); // as where the backend has no gradient of an op
      throw error;
    } finally {
      tf.dispose([x, y]);
    }

    /** Mean over the samples that have a label: the others add nothing to the sum. */
    function labelLoss(losses: tf.Tensor, weight: number, count: number): tf.Tensor {
      const mean = tf.mean(losses);
      const factor = (weight * indices.length) / count;
      return factor === 1 ? mean : tf.mul(mean, factor);
    }
  };
}

/** One step of training: forward, backward, optimizer. */

import * as tf from "@tensorflow/tfjs-core";
import type { Forward } from "./forward.js";
import type { Loss } from "./losses.js";
import type { Samples } from "./samples.js";
import type { LossTerm, StepBatch } from "./step.js";
import { dropTape } from "./tape.js";

/** What a step came to, still on the device; whoever reads it disposes it. */
export interface Outcome {
  readonly samples: number;
  /** Samples that have an answer in the data. */
  readonly answers: number;
  /** Mean loss, a scalar. */
  readonly loss: tf.Tensor;
  /** Right answers, a scalar. */
  readonly correct?: tf.Tensor;
  /** Of each term, a scalar. */
  readonly terms: readonly tf.Tensor[];
}

/** Trains on the samples of these numbers. */
export type Learner = (indices: Int32Array) => Outcome;

export interface Lesson {
  readonly forward: Forward;
  readonly samples: Samples;
  /** Absent where there is nothing to compare the output with. */
  readonly loss?: Loss;
  readonly labelWeight: number;
  readonly terms: readonly LossTerm[];
  readonly optimizer: tf.Optimizer;
  readonly variables: tf.Variable[];
}

/** The step of `model.fit`, which tfjs keeps to itself, on data of our own and with terms. */
export function createLearner(lesson: Lesson): Learner {
  const { forward, samples, loss, labelWeight, terms, optimizer, variables } = lesson;
  return (indices) => {
    const kept: tf.Tensor[] = [];
    const keep = (tensor: tf.Tensor) => {
      kept.push(tf.keep(tensor));
      return tensor;
    };
    let correct: tf.Tensor | undefined;
    let measured: tf.Tensor[] = [];
    const step = () => {
      const { x, y, answers } = samples.batch(indices);
      const lossOf = () => {
        const pass = forward(x, true);
        const values: tf.Tensor[] = [];
        if (loss?.correct && answers > 0) correct = keep(loss.correct(y, pass.output));
        if (loss && labelWeight !== 0) {
          const mean = meanLoss(loss, y, pass.output, answers);
          values.push(labelWeight === 1 ? mean : tf.mul(mean, labelWeight));
        }
        const { output, activation } = pass;
        const batch: StepBatch = { indices, x, y, output, activation };
        const own = terms.map((term) => scalarOf(term, batch));
        measured = own.map((value) => keep(tf.clone(value)));
        return [...values, ...own, ...pass.penalties()].reduce((sum, value) =>
          tf.add(sum, value),
        ) as tf.Scalar;
      };
      const value = optimizer.minimize(lossOf, true, variables) as tf.Scalar;
      return { samples: indices.length, answers, loss: value };
    };
    try {
      const { loss, ...counts } = tidied(step);
      return { ...counts, loss, terms: measured, ...(correct && { correct }) };
    } catch (error) {
      // As where the backend has no gradient of an op.
      for (const tensor of kept) tensor.dispose();
      dropTape();
      throw error;
    }
  };
}

/** tf.tidy keeps the tensors in what it returns, but its type wants nothing else in there. */
function tidied<T extends { readonly loss: tf.Tensor }>(step: () => T): T {
  return tf.tidy(step as unknown as () => tf.TensorContainer) as unknown as T;
}

/** Over the samples that have an answer: the rows of the others are 0, and so is their loss. */
export function meanLoss(loss: Loss, y: tf.Tensor, output: tf.Tensor, answers: number): tf.Tensor {
  const values = loss.of(y, output);
  if (answers === y.shape[0]) return tf.mean(values);
  return tf.div(tf.sum(values), Math.max(1, answers));
}

function scalarOf(term: LossTerm, batch: StepBatch): tf.Tensor {
  const value = term.of(batch);
  if (value.rank !== 0) {
    throw new RangeError(`${term.name}: wanted a scalar, got [${value.shape.join(", ")}]`);
  }
  return value;
}

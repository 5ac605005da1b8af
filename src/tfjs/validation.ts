/** How good a model is on data that it does not learn from. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Clock } from "./clock.js";
import type { Forward } from "./forward.js";
import { meanLoss } from "./learner.js";
import type { Loss } from "./losses.js";
import { openSamples, type TrainingData } from "./samples.js";

export interface Figures {
  /** Mean of the label loss, without terms and regularization. */
  readonly loss: number;
  /** Share of right answers, in [0, 1]; absent where the loss is no classification. */
  readonly accuracy?: number;
}

export type Validation = () => Promise<Figures>;

const BATCH_SIZE = 256;

/**
 * @param data with y
 * @param forward as in training, so that parts show the model the weights that it will have
 * @param clock lets the rest of the program have its turn meanwhile
 * @throws RangeError where the data does not fit or has no answers
 */
export function openValidation(
  model: LayersModel,
  data: TrainingData,
  loss: Loss | undefined,
  forward: Forward,
  clock: Clock,
): Validation {
  if (!loss || data.y === undefined) throw new RangeError("validation: wanted a loss and y, got none");
  const samples = openSamples(model, data, loss.labelled);
  const order = Int32Array.from({ length: samples.count }, (_, i) => i);

  function measure(indices: Int32Array): { answers: number; numbers: tf.Tensor } {
    let answers = 0;
    const numbers = tf.tidy(() => {
      const batch = samples.batch(indices);
      answers = batch.answers;
      const { output } = forward(batch.x, false);
      const mean = meanLoss(loss as Loss, batch.y, output, answers);
      return tf.stack([mean, loss?.correct ? tf.cast(loss.correct(batch.y, output), "float32") : 0]);
    });
    return { answers, numbers };
  }

  return async () => {
    const sums = { answers: 0, loss: 0, correct: 0 };
    for (let from = 0; from < order.length; from += BATCH_SIZE) {
      const { answers, numbers } = measure(order.subarray(from, from + BATCH_SIZE));
      const [mean, correct] = await numbers.data();
      numbers.dispose();
      sums.answers += answers;
      sums.loss += mean * answers;
      sums.correct += correct;
      if (clock.isDue()) await clock.pause();
    }
    const { answers } = sums;
    if (answers === 0) throw new RangeError("validation: wanted samples with labels, got none");
    return { loss: sums.loss / answers, ...(loss.correct && { accuracy: sums.correct / answers }) };
  };
}

/** Attention transfer: where in a picture the layers of a convolutional student are active. */

import * as tf from "@tensorflow/tfjs-core";
import { product } from "../columns.js";
import { checkNumber, type DistillationLoss, type Pair } from "./loss.js";
import { findLayer, layerShape } from "./watch.js";

export interface AttentionPair {
  readonly teacherLayer: string;
  readonly studentLayer: string;
  /** Which of several teachers, counted from 0; the first unless given. */
  readonly teacher?: number;
}

export interface AttentionOptions {
  /** Layers of [height, width, channels], of the same height and width in each pair; one pair or more. */
  readonly pairs: readonly AttentionPair[];
  /** Of this term, >= 0; 1000 unless given: the maps are of norm 1, so each place of them is small. */
  readonly weight?: number;
}

/**
 * Adds `weight sum over pairs of mean((map(teacher) - map(student))^2)`, where a map is the sum of squares over the
 * channels, divided by its norm over all places of a sample, and the mean is over samples and places. Channels may
 * differ in number. Zagoruyko and Komodakis 2017, Paying More Attention to Attention, as in their code.
 *
 * @throws TypeError, RangeError for options out of range
 */
export function attentionTransfer({ pairs, weight = 1000 }: AttentionOptions): DistillationLoss {
  if (!Array.isArray(pairs)) throw new TypeError(`pairs: wanted an array, got ${typeof pairs}`);
  if (pairs.length === 0) throw new RangeError("pairs: wanted one or more, got none");
  checkNumber("weight", weight, { least: 0 });
  const from = ({ teacherLayer, teacher = 0 }: AttentionPair) => ({ layer: teacherLayer, teacher });
  return {
    name: "attentionTransfer",
    teacherLayers: pairs.map(from),
    term: (taught) => {
      for (const pair of pairs) checkPlaces(taught, pair);
      return {
        name: "attentionTransfer",
        layers: [...new Set(pairs.map(({ studentLayer }) => studentLayer))],
        of: (batch) => {
          const each = pairs.map((pair) => {
            const shown = attentionMap(taught.teachers.layer(from(pair), batch));
            const own = attentionMap(batch.activation(pair.studentLayer));
            return tf.mean(tf.squaredDifference(shown, own));
          });
          const sum: tf.Tensor = each.reduce((total: tf.Tensor, one) => tf.add(total, one));
          return tf.mul(sum, weight);
        },
      };
    },
  };
}

function checkPlaces(
  { teachers, student }: Pair,
  { teacherLayer, studentLayer, teacher = 0 }: AttentionPair,
) {
  const wanted = teachers.layerShape({ layer: teacherLayer, teacher });
  const got = layerShape(findLayer(student, studentLayer, "studentLayer"), "studentLayer");
  for (const [name, shape] of [
    [teacherLayer, wanted],
    [studentLayer, got],
  ] as const) {
    if (shape.length !== 3) {
      throw new RangeError(`pairs: wanted layers of [height, width, channels], got ${name}, [${shape}]`);
    }
  }
  if (wanted[0] !== got[0] || wanted[1] !== got[1]) {
    throw new RangeError(
      `pairs: wanted ${wanted[0]} x ${wanted[1]} of ${studentLayer} as ${teacherLayer} has, got ${got[0]} x ${got[1]}`,
    );
  }
}

/** Of a map that is 0 all over: it stays 0, and its gradient too. */
const SMALLEST_SQUARE = 1e-24;

/** f32[samples, height, width, channels] -> f32[samples, height * width], rows of norm 1. */
function attentionMap(x: tf.Tensor): tf.Tensor {
  const energy = tf.reshape(tf.sum(tf.square(x), -1), [x.shape[0], product(x.shape.slice(1, -1))]);
  const square = tf.sum(tf.square(energy), -1, true);
  return tf.div(energy, tf.sqrt(tf.maximum(square, SMALLEST_SQUARE)));
}

/** Samples of a model with one input, to look at some of them. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { product } from "../columns.js";
import { countSamples, numbersOf, sampleShape } from "../samples.js";

export interface SampleList {
  readonly count: number;
  /** Numbers of so many samples, or all there are, spread evenly over them. */
  spread(most: number): Float32Array;
  /** As the model wants them; the caller disposes it. */
  tensor(numbers: Float32Array): tf.Tensor;
}

/** @throws RangeError where x is no whole number of samples */
export function listSamples(model: LayersModel, x: Float32Array | tf.Tensor): SampleList {
  const shape = sampleShape(model.inputs, "input");
  const size = product(shape);
  const numbers = numbersOf(x, "x");
  const count = countSamples("x", numbers.length, shape);
  return {
    count,
    spread(most) {
      const taken = Math.min(most, count);
      const some = new Float32Array(taken * size);
      for (let i = 0; i < taken; i++) {
        const from = Math.floor((i * count) / taken) * size;
        some.set(numbers.subarray(from, from + size), i * size);
      }
      return some;
    },
    tensor: (some) => tf.tensor(some, [some.length / size, ...shape], "float32"),
  };
}

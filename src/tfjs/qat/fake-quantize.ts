/**
 * Values rounded to what codes can say, with gradients as if they were not: straight through (Bengio et al.,
 * "Estimating or Propagating Gradients Through Stochastic Neurons", 2013), but not for what is cut off.
 */

import * as tf from "@tensorflow/tfjs-core";
import type { QuantParams } from "../../graph/index.js";

/** Told the gradient of the loss to the base-2 logarithm of the scale, a scalar of its own. */
export type ScaleGradient = (gradient: tf.Tensor) => void;

/**
 * (clamp(rne(x / scale) + zero, 0, 127) - zero) * scale, as the runtime rounds a value to u7.
 *
 * Its gradient is that of the clamp alone. That of the scale, zero point held, is of Esser et al., "Learned Step
 * Size Quantization", 2020, to the logarithm as Jain et al., "Trained Quantization Thresholds", 2020, have it.
 *
 * @param x f32 of any shape
 * @param onScale told the gradient of the scale in the backward pass; absent: it is not computed
 */
export function fakeQuantize(x: tf.Tensor, { scale, zero }: QuantParams, onScale?: ScaleGradient): tf.Tensor {
  // The product, not a quotient, is the contract of f32_u7_quantize.
  const inverse = Math.fround(1 / scale);
  const [low, high] = [-zero, 127 - zero];
  const rounded = tf.customGrad((value, save) => {
    const steps = tf.mul(value as tf.Tensor, inverse);
    (save as (tensors: tf.Tensor[]) => void)([steps]);
    const backward = (dy: tf.Tensor, [saved]: tf.Tensor[]) => {
      const whole = tf.round(saved);
      const clipped = tf.clipByValue(whole, low, high);
      const inside = tf.cast(tf.equal(whole, clipped), "float32");
      if (onScale) {
        // d/ds of round(x / s) s is round(x / s) - x / s, and the code where it is cut off.
        const slope = tf.sub(clipped, tf.mul(inside, saved));
        onScale(tf.mul(tf.sum(tf.mul(dy, slope)), scale * Math.LN2));
      }
      return tf.mul(dy, inside);
    };
    return {
      value: tf.mul(tf.clipByValue(tf.round(steps), low, high), scale),
      gradFunc: backward as unknown as (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor,
    };
  });
  return rounded(x);
}

/**
 * A tensor in the place of another, whose gradient it passes on: weights are scaled by the largest of their
 * channel, so that none is cut off.
 *
 * @param made from the numbers of x, of its shape
 */
export function straightThrough(x: tf.Tensor, made: Float32Array): tf.Tensor {
  const replaced = tf.customGrad((value) => ({
    value: tf.tensor(made, (value as tf.Tensor).shape),
    gradFunc: (dy: tf.Tensor) => dy,
  }));
  return replaced(x);
}

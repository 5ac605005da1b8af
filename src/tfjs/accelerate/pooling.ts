/** The gradient of max pooling; that of tfjs 4.22 takes twice as long as all else of a small net's step. */

import * as tf from "@tensorflow/tfjs-core";
import type { Host, KernelFunction } from "./host.js";
import { windowOf } from "./windows.js";

/** `MaxPoolGrad`: input f32[batch, height, width, channels], dy f32[batch, ..., channels]. */
export function maxPoolGradient(host: Host): KernelFunction {
  return ({ inputs: { input, dy }, attrs }) => {
    const { filterSize, strides, pad, dimRoundingMode } = attrs as {
      filterSize: number | [number, number];
      strides: number | [number, number];
      pad: "same" | "valid" | number;
      dimRoundingMode?: "floor" | "round" | "ceil";
    };
    const shape = input.shape as [number, number, number, number];
    const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
    const result = host.output(input.shape);
    const [dx, x, g] = [result, input, dy].map(host.address);
    host.kernels.f32_max_pool_gradient(dx, x, g, host.window(windowOf(info)));
    return result;
  };
}

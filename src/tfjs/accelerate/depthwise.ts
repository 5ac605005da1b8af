/** Gradients of depthwise convolutions, which backend wasm of tfjs 4.22 has not. */

import * as tf from "@tensorflow/tfjs-core";
import type { Host, KernelCall, KernelFunction } from "./host.js";
import { type ConvInfo, windowOf } from "./windows.js";

type Shape4 = [number, number, number, number];

/** `DepthwiseConv2dNativeBackpropInput`: dy f32[batch, ..., channels * multiplier]. */
export function depthwiseInputGradient(host: Host): KernelFunction {
  return ({ inputs: { dy, filter }, attrs }) => {
    const info = depthwiseInfo(attrs.inputShape as Shape4, filter.shape as Shape4, attrs);
    const result = host.output(info.inShape);
    const [dx, g, w] = [result, dy, filter].map(host.address);
    host.kernels.f32_depthwise_input_gradient(dx, g, w, host.window(windowOf(info, true)));
    return result;
  };
}

/** `DepthwiseConv2dNativeBackpropFilter`: x f32[batch, height, width, channels]. */
export function depthwiseFilterGradient(host: Host): KernelFunction {
  return ({ inputs: { x, dy }, attrs }) => {
    const info = depthwiseInfo(x.shape as Shape4, attrs.filterShape as Shape4, attrs);
    const result = host.output(info.filterShape);
    const [dw, from, g] = [result, x, dy].map(host.address);
    host.kernels.f32_depthwise_filter_gradient(dw, from, g, host.window(windowOf(info, true)));
    return result;
  };
}

function depthwiseInfo(input: Shape4, filter: Shape4, attrs: KernelCall["attrs"]): ConvInfo {
  const { strides, dilations, pad, dimRoundingMode } = attrs as {
    strides: number | [number, number];
    dilations?: number | [number, number];
    pad: "same" | "valid" | number;
    dimRoundingMode?: "floor" | "round" | "ceil";
  };
  return tf.backend_util.computeConv2DInfo(
    input,
    filter,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    true,
  );
}

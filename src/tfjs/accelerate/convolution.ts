/** Gradients of convolutions, as products with the patches that the window sees. */

import * as tf from "@tensorflow/tfjs-core";
import { gemmScratch } from "../../kernels/gemm-scratch.js";
import type { Host, KernelCall, KernelFunction, TensorInfo } from "./host.js";
import { type ConvInfo, isPointwise, windowOf } from "./windows.js";

type Shape4 = [number, number, number, number];

// Patches are made for a part of the outputs at a time, which stays in the L2 cache.
const PATCH_FLOATS = 65_536;
const FEWEST_OUTPUTS = 64;

/** `Conv2DBackpropFilter`: x f32[batch, height, width, channels], dy f32[batch, ..., filters]. */
export function filterGradient(host: Host): KernelFunction {
  return ({ inputs: { x, dy }, attrs }) => {
    const info = convInfo(x.shape, attrs.filterShape as Shape4, attrs);
    const filters = info.outChannels;
    const size = info.filterHeight * info.filterWidth * info.inChannels;
    const result = host.output(attrs.filterShape as Shape4);
    const work = openWork(host, info, size);
    const [dw, atX, atDy] = [host.address(result), host.address(x), host.address(dy)];
    work.each((from, count, patches) => {
      const p = work.pointwise ? atX + from * size * 4 : patches;
      if (!work.pointwise) host.kernels.f32_patches(p, atX, work.window, from, count);
      const g = atDy + from * filters * 4;
      const adds = from > 0 ? 1 : 0;
      host.kernels.f32_gemm(dw, p, g, size, filters, count, filters, 1, size, filters, 1, adds, work.scratch);
    });
    return result;
  };
}

/** `Conv2DBackpropInput`: dy f32[batch, ..., filters], filter f32[height, width, channels, filters]. */
export function inputGradient(host: Host): KernelFunction {
  return ({ inputs: { dy, filter }, attrs }) => {
    const info = convInfo(attrs.inputShape as Shape4, filter.shape as Shape4, attrs);
    const filters = info.outChannels;
    const size = info.filterHeight * info.filterWidth * info.inChannels;
    const result = host.output(info.inShape);
    const work = openWork(host, info, size);
    const [dx, w, atDy] = [host.address(result), host.address(filter), host.address(dy)];
    if (!work.pointwise) clear(host, result);
    work.each((from, count, patches) => {
      const p = work.pointwise ? dx + from * size * 4 : patches;
      const g = atDy + from * filters * 4;
      host.kernels.f32_gemm(p, g, w, count, size, filters, size, filters, 1, 1, filters, 0, work.scratch);
      if (!work.pointwise) host.kernels.f32_patches_add(dx, p, work.window, from, count);
    });
    return result;
  };
}

/** All outputs, part by part, and the memory for it. */
function openWork(host: Host, info: ConvInfo, size: number) {
  const outputs = info.batchSize * info.outHeight * info.outWidth;
  const pointwise = isPointwise(info);
  const part = pointwise ? outputs : Math.max(FEWEST_OUTPUTS, Math.floor(PATCH_FLOATS / size));
  const count = Math.min(part, outputs);
  // The products of either gradient: the filter's is as deep as there are outputs, the input's as rows.
  const filters = info.outChannels;
  const own = Math.max(gemmScratch(size, filters, count), gemmScratch(count, size, filters));
  const scratch = host.scratch(own + (pointwise ? 0 : count * size * 4));
  return {
    pointwise,
    scratch,
    window: host.window(windowOf(info)),
    each(f: (from: number, count: number, patches: number) => void): void {
      for (let from = 0; from < outputs; from += part) {
        f(from, Math.min(part, outputs - from), scratch + own);
      }
    },
  };
}

function convInfo(input: readonly number[], filter: Shape4, attrs: KernelCall["attrs"]): ConvInfo {
  const { strides, dilations, pad, dataFormat, dimRoundingMode } = attrs as {
    strides: number | [number, number];
    dilations?: number | [number, number];
    pad: "same" | "valid" | number;
    dataFormat: "NHWC" | "NCHW";
    dimRoundingMode?: "floor" | "round" | "ceil";
  };
  if (dataFormat === "NCHW") throw new Error("convolution: wanted dataFormat NHWC, got NCHW");
  return tf.backend_util.computeConv2DInfo(
    input as Shape4,
    filter,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
  );
}

function clear(host: Host, tensor: TensorInfo): void {
  const { memory } = host.heap;
  new Float32Array(memory.buffer, host.address(tensor), tf.util.sizeFromShape(tensor.shape)).fill(0);
}

/** depthwiseConv2d, maxPool and averagePool in f32: windows of each channel by itself. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";
import { emitArithmetic } from "./arithmetic.js";
import { type Bounds, boundsOf, unbounded } from "./constants.js";
import { kernelOf, uploadBias } from "./convolution.js";
import { activationOf, emitUnary } from "./elementwise.js";
import { emitWindows, type Plane, placesOf, planeOf, tapsOf } from "./windows.js";

type Numbers = Readonly<Record<string, readonly number[]>>;

/** Places and taps of a node's windows of [height, width] cells. */
function windowsOf(to: Lowering, node: Node, plane: Plane, [rows, columns]: readonly number[]) {
  const { strides, dilations = [1, 1] } = node.attrs as Numbers;
  const [, height, width, channels] = to.shape(node.name) as number[];
  const [row, pixel] = [plane.row * 4, channels * 4];
  const places = placesOf(
    to,
    height,
    width,
    [0, row * strides[0], pixel * strides[1]],
    [0, width * pixel, pixel],
  );
  const taps = tapsOf(to, rows, columns, row * dilations[0], pixel * dilations[1]);
  return { places, taps, m: height * width, t: rows * columns };
}

/** f32[t][channels], each row padded to whole groups of 4. */
function packRows(data: Float32Array, channels: number): Float32Array {
  const row = Math.ceil(channels / 4) * 4;
  const packed = new Float32Array((data.length / channels) * row);
  for (let from = 0, at = 0; from < data.length; from += channels, at += row) {
    packed.set(data.subarray(from, from + channels), at);
  }
  return packed;
}

function emitDepthwise(
  to: Lowering,
  node: Node,
  x: Buffer,
  y: Buffer,
  plane: Plane,
  size: readonly number[],
  w: number,
  bias: number,
  { low, high }: Bounds,
): void {
  const { places, taps, m, t } = windowsOf(to, node, plane, size);
  const { f32_depthwise } = to.kernels;
  const { channels } = plane;
  emitWindows(to, node, "f32_depthwise", plane, 0, x, y, (yAt, xAt) => {
    f32_depthwise(yAt, xAt, w, bias, places, taps, m, t, channels, low, high);
  });
}

export function lowerDepthwiseF32(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const kernel = kernelOf(to, node);
  const outputs = to.channels(node.name);
  const w = to.constants.upload(`${node.weights.kernel}/rows`, () => packRows(kernel.data, outputs));
  const bias = uploadBias(to, node, outputs, 4);
  const bounds = boundsOf(node);
  const x = repeated(to, node, kernel.shape[3]);
  const y = to.define(node.name, "f32");
  const { padding } = node.attrs as Numbers;
  const plane = planeOf(to, input, padding, kernel.shape[3]);
  emitDepthwise(to, node, x, y, plane, kernel.shape, w, bias, bounds ?? unbounded);
  if (!bounds) {
    emitUnary(to, node.name, activationOf(node, "activation"), node.attrs, y, y, to.size(node.name));
  }
}

/** The input with every channel as many times as it has kernels. */
function repeated(to: Lowering, node: Node, times: number): Buffer {
  const [input] = node.inputs;
  const x = to.f32(input);
  if (times === 1) return x;
  const channels = to.channels(input);
  const rows = to.size(input) / channels;
  const index = to.constants.upload(`repeat/${channels}/${times}`, () =>
    Int32Array.from({ length: channels * times }, (_, i) => Math.floor(i / times)),
  );
  const wide = to.scratch(x.bytes * times);
  to.once(`${node.name}: f32_gather`, wide, x, (yAt, xAt) =>
    to.kernels.f32_gather(yAt, xAt, index, rows, channels * times, 1, channels, 0),
  );
  return wide;
}

export function lowerMaxPoolF32(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const { size, padding } = node.attrs as Numbers;
  const plane = planeOf(to, input, padding);
  const { places, taps, m, t } = windowsOf(to, node, plane, size);
  const { f32_max_pool } = to.kernels;
  const { channels } = plane;
  const x = to.f32(input);
  const y = to.define(node.name, "f32");
  emitWindows(to, node, "f32_max_pool", plane, Number.NEGATIVE_INFINITY, x, y, (yAt, xAt) => {
    f32_max_pool(yAt, xAt, places, taps, m, t, channels);
  });
}

/** A depthwise convolution whose weights are all alike; where windows differ in cells, divided after it. */
export function lowerAveragePoolF32(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const { size, padding } = node.attrs as Numbers;
  const plane = planeOf(to, input, padding);
  const channels = plane.channels;
  const cells = size[0] * size[1];
  const isEven = padding.every((count) => count === 0);
  const weight = isEven ? 1 / cells : 1;
  const w = to.constants.upload(`${cells}x${channels} of ${weight}`, () =>
    packRows(new Float32Array(cells * channels).fill(weight), channels),
  );
  const bias = to.constants.upload(`${channels} x 0`, () => new Float32Array(channels));
  const x = to.f32(input);
  const y = to.define(node.name, "f32");
  emitDepthwise(to, node, x, y, plane, size, w, bias, unbounded);
  if (isEven) return;
  const [, height, width] = to.shape(node.name) as number[];
  const rows = height * width * to.options.batch;
  const counts = to.own.upload(`${node.name}/counts`, () => {
    const [down, across] = [height, width].map((places, axis) => cellsInside(node, plane, axis, places));
    return Float32Array.from(
      { length: rows },
      (_, i) => down[Math.floor(i / width) % height] * across[i % width],
    );
  });
  emitArithmetic(to, node, "divide", y, y, counts, { rows, n: channels, step: 1, isOne: true }, unbounded);
}

/** For each place along an axis, how many cells of the window are not padding. */
function cellsInside({ attrs }: Node, plane: Plane, axis: number, places: number): number[] {
  const { size, strides, padding } = attrs as Numbers;
  const length = axis === 0 ? plane.height : plane.width;
  return Array.from({ length: places }, (_, place) => {
    const first = place * strides[axis] - padding[2 * axis];
    return Math.min(first + size[axis], length) - Math.max(first, 0);
  });
}

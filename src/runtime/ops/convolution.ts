/** conv2d and convTranspose2d in f32: one kernel, which reads windows wherever a list says they lie. */

import type { F32Weight, Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import { emitArithmetic } from "./arithmetic.js";
import { boundsOf, unbounded } from "./constants.js";
import { activationOf, emitUnary } from "./elementwise.js";
import { phasesOf, upTo } from "./phases.js";
import { emitWindows, placesOf, planeOf, tapsOf } from "./windows.js";

type Numbers = Readonly<Record<string, readonly number[]>>;

export function kernelOf(to: Lowering, node: Node): F32Weight {
  const kernel = to.weight(node, "kernel");
  if (kernel?.dtype === "f32") return kernel;
  throw new RangeError(`${node.name}: wanted a kernel of f32, got ${kernel?.dtype}`);
}

/** Address of a bias padded with zeros to whole groups of outputs. */
export function uploadBias(to: Lowering, node: Node, outputs: number, group: number): number {
  const size = Math.ceil(outputs / group) * group;
  return to.constants.upload(`${node.weights.bias}/${size}`, () => {
    const padded = new Float32Array(size);
    const bias = to.weight(node, "bias");
    if (bias) padded.set(bias.data);
    return padded;
  });
}

/** f32[depth][outputs] as f32[ceil(outputs / 8)][depth][8], outputs that there are not 0. */
function packPanels(rows: readonly Float32Array[], outputs: number): Float32Array {
  const panels = Math.ceil(outputs / 8);
  const packed = new Float32Array(panels * rows.length * 8);
  rows.forEach((row, i) => {
    for (let panel = 0; panel < panels; panel++) {
      packed.set(row.subarray(panel * 8, panel * 8 + 8), (panel * rows.length + i) * 8);
    }
  });
  return packed;
}

/** The inputs' rows of chosen kernel cells, in the order chosen. */
function cellRows({ shape, data }: F32Weight, rows: readonly number[], columns: readonly number[]) {
  const [, width, inputs, outputs] = shape;
  return rows.flatMap((row) =>
    columns.flatMap((column) =>
      Array.from({ length: inputs }, (_, i) => {
        const from = ((row * width + column) * inputs + i) * outputs;
        return data.subarray(from, from + outputs);
      }),
    ),
  );
}

export function lowerConv2dF32(to: Lowering, node: Node): void {
  const [input, residual] = node.inputs;
  const kernel = kernelOf(to, node);
  const [kernelHeight, kernelWidth, channels, outputs] = kernel.shape;
  const { strides, dilations, padding } = node.attrs as Numbers;
  const [, height, width] = to.shape(node.name) as number[];
  const plane = planeOf(to, input, padding);
  const [row, pixel] = [plane.row * 4, channels * 4];
  const places = placesOf(
    to,
    height,
    width,
    [0, row * strides[0], pixel * strides[1]],
    [0, width * outputs * 4, outputs * 4],
  );
  // Cells side by side in the kernel are so in the image too, unless it is dilated.
  const isWhole = dilations[1] === 1 || kernelWidth === 1;
  const columns = isWhole ? 1 : kernelWidth;
  const taps = tapsOf(to, kernelHeight, columns, row * dilations[0], pixel * dilations[1]);
  const [t, k] = [kernelHeight * columns, isWhole ? kernelWidth * channels : channels];
  const w = to.constants.upload(`${node.weights.kernel}/panels`, () =>
    packPanels(cellRows(kernel, upTo(kernelHeight), upTo(kernelWidth)), outputs),
  );
  const bias = uploadBias(to, node, outputs, 8);
  const bounds = boundsOf(node);
  const { low, high } = (residual ? undefined : bounds) ?? unbounded;
  const m = height * width;
  const { f32_conv2d } = to.kernels;
  const x = to.f32(input);
  const added = residual === undefined ? undefined : to.f32(residual);
  const y = to.define(node.name, "f32");
  emitWindows(to, node, "f32_conv2d", plane, 0, x, y, (yAt, xAt) => {
    f32_conv2d(yAt, xAt, w, bias, places, taps, m, t, k, outputs, low, high);
  });
  const size = to.size(node.name);
  if (added) emitArithmetic(to, node, "add", y, y, added, { rows: 1, n: size }, bounds);
  if (!bounds) emitUnary(to, node.name, activationOf(node, "activation"), node.attrs, y, y, size);
}

/**
 * Results at the same place within a stride are a convolution of stride 1 with every stride-th cell of
 * the kernel, turned around: as many calls as the stride has places.
 */
export function lowerConvTranspose2dF32(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const kernel = kernelOf(to, node);
  const [, , channels, outputs] = kernel.shape;
  const [, , width] = to.shape(node.name) as number[];
  const [down, across] = [0, 1].map((axis) => phasesOf(to, node, kernel, axis));
  const plane = planeOf(to, input, [down.before, down.after, across.before, across.after]);
  const [row, pixel] = [plane.row * 4, channels * 4];
  const { strides } = node.attrs as Numbers;
  const bias = uploadBias(to, node, outputs, 8);
  const bounds = boundsOf(node);
  const { low, high } = bounds ?? unbounded;
  const { f32_conv2d } = to.kernels;
  const calls = down.phases.flatMap((vertical) =>
    across.phases.map((horizontal) => {
      const places = placesOf(
        to,
        vertical.count,
        horizontal.count,
        [vertical.from * row + horizontal.from * pixel, row, pixel],
        [
          (vertical.first * width + horizontal.first) * outputs * 4,
          strides[0] * width * outputs * 4,
          strides[1] * outputs * 4,
        ],
      );
      const [rows, columns] = [vertical.cells, horizontal.cells];
      const t = columns.length === 0 ? 0 : rows.length;
      const taps = tapsOf(to, rows.length, 1, row, 0);
      const w = to.constants.upload(`${node.weights.kernel}/panels/${rows}/${columns}`, () =>
        packPanels(cellRows(kernel, rows, columns), outputs),
      );
      const [m, k] = [vertical.count * horizontal.count, columns.length * channels];
      return (y: number, x: number) => f32_conv2d(y, x, w, bias, places, taps, m, t, k, outputs, low, high);
    }),
  );
  const x = to.f32(input);
  const y = to.define(node.name, "f32");
  emitWindows(to, node, "f32_conv2d transposed", plane, 0, x, y, (yAt, xAt) => {
    for (let i = 0; i < calls.length; i++) calls[i](yAt, xAt);
  });
  if (!bounds) {
    emitUnary(to, node.name, activationOf(node, "activation"), node.attrs, y, y, to.size(node.name));
  }
}

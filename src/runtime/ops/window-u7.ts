/** The input of a window in u7: padded, and its columns dealt out where the stride skips some. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";
import { type Planes, planes, planesOf, type Rows, strideFor } from "../planes.js";

/** Where a window's taps find their pixels. Offsets are in bytes from a tile of the input. */
export interface WindowInput {
  readonly buffer: Buffer;
  /** Bytes of one sample of the buffer. */
  readonly bytes: number;
  /** From plane to plane of the buffer. */
  readonly stride: number;
  readonly rows: Rows;
  /** Of the pixel under tap (ky, kx) in the first plane. */
  tap(ky: number, kx: number): number;
}

export interface Window {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** [top, bottom, left, right] */
  readonly padding: readonly number[];
}

export function windowOf(node: Node, size: readonly number[]): Window {
  const { strides, padding, dilations = [1, 1] } = node.attrs as Readonly<Record<string, readonly number[]>>;
  return { size, strides, dilations, padding };
}

/**
 * Emits what prepares the planes of a value for a window.
 *
 * @param code fills the border
 */
export function windowInput(to: Lowering, node: Node, window: Window, code: number): WindowInput {
  const [input] = node.inputs;
  const { strides, dilations } = window;
  const [, outHeight, outWidth] = to.shape(node.name) as readonly number[];
  const step = strides[1];
  const whole = paddedPlanes(to, node.name, input, window.padding, code);
  const dealt = step === 1 ? undefined : phases(to, node.name, whole, step);
  const geometry = dealt?.planes ?? whole.planes;
  const pitch = geometry.width * 4;
  return {
    buffer: dealt?.buffer ?? whole.buffer,
    bytes: geometry.bytes * step,
    stride: geometry.stride,
    rows: {
      height: outHeight,
      width: outWidth,
      from: strides[0] * pitch,
      to: outWidth * 4,
    },
    tap: (ky, kx) => {
      const column = kx * dilations[1];
      return (column % step) * geometry.bytes + ky * dilations[0] * pitch + Math.floor(column / step) * 4;
    },
  };
}

/** Planes in a buffer. */
export interface Held {
  readonly buffer: Buffer;
  readonly planes: Planes;
}

/** The planes of a value in a border of one code; the value itself where there is none. */
export function paddedPlanes(
  to: Lowering,
  name: string,
  input: string,
  [top, bottom, left, right]: readonly number[],
  code: number,
): Held {
  const from = planesOf(to.shape(input));
  const x = to.c4(input);
  if (top + bottom + left + right === 0) return { buffer: x, planes: from };
  const into = planes(from.height + top + bottom, from.width + left + right, from.channels);
  const buffer = to.scratch(into.bytes * to.options.batch);
  const { groups, height, stride } = from;
  const [width, before, after] = [from.width * 4, left * 4, right * 4];
  to.each(`${name}: u7_pad`, buffer, x, (yAt, xAt) => {
    to.kernels.u7_pad(yAt, xAt, groups, height, width, top, bottom, before, after, code, stride, into.stride);
  });
  return { buffer, planes: into };
}

function phases(to: Lowering, name: string, { buffer: x, planes: from }: Held, step: number): Held {
  const into = planes(from.height, Math.ceil(from.width / step), from.channels);
  const buffer = to.scratch(into.bytes * step * to.options.batch);
  const { groups, height, width } = from;
  to.each(`${name}: u7_c4_phases`, buffer, x, (yAt, xAt) => {
    to.kernels.u7_c4_phases(yAt, xAt, groups, height, width, step, from.stride, into.stride, into.bytes);
  });
  return { buffer, planes: into };
}

/**
 * The input of a window over few channels: planes whose pixels are 4 neighbouring bytes of a row, so
 * that no lane is spent on channels that are not there.
 *
 * @returns as `windowInput`, its tap (ky, group) the words 4 group to 4 group + 3 of the row under ky
 */
export function wordInput(to: Lowering, node: Node, window: Window, code: number): WindowInput {
  const [input] = node.inputs;
  const { strides, dilations, padding, size } = window;
  const [, height, width, channels] = to.shape(input) as readonly number[];
  const [, outHeight, outWidth] = to.shape(node.name) as readonly number[];
  const [top, bottom, left, right] = padding;
  const { batch } = to.options;
  const x = to.u7(input);
  const rows = height + top + bottom;
  const row = (width + left + right) * channels;
  const groups = wordGroups(size[1], channels);
  const isPadded = padding.some((cells) => cells > 0);
  const padded = isPadded ? to.scratch(strideFor(rows * row + 64) * batch) : x;
  const stride = strideFor(rows * outWidth * 4 + 32);
  const buffer = to.scratch(groups * stride * batch);
  const [line, before, after] = [width * channels, left * channels, right * channels];
  if (isPadded) {
    to.each(`${node.name}: u7_pad`, padded, x, (yAt, xAt) => {
      to.kernels.u7_pad(yAt, xAt, 1, height, line, top, bottom, before, after, code, 0, 0);
    });
  }
  to.each(`${node.name}: u7_rows_words`, buffer, padded, (yAt, xAt) => {
    to.kernels.u7_rows_words(yAt, xAt, rows, outWidth, groups, strides[1] * channels, row, stride);
  });
  return {
    buffer,
    bytes: groups * stride,
    stride,
    rows: { height: outHeight, width: outWidth, from: strides[0] * outWidth * 4, to: outWidth * 4 },
    tap: (ky, group) => group * stride + ky * dilations[0] * outWidth * 4,
  };
}

/** True for the window that has kernels of its own. */
export function isPlain3x3({ size, strides, dilations }: Window): boolean {
  return [...size, ...strides, ...dilations].join() === "3,3,1,1,1,1";
}

/** Words that a row of a window takes. */
export const wordGroups = (columns: number, channels: number): number => Math.ceil((columns * channels) / 4);

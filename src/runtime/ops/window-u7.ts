/** The input of a window in u7: padded, and its columns dealt out where the stride skips some. */

import type { Node } from "../../graph/index.js";
import { strideFor } from "../../kernels/products.js";
import type { Call, Lowering, Picture } from "../lowering.js";
import type { Buffer } from "../place.js";
import { planes, type Rows } from "../planes.js";

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

interface Prepared extends Omit<WindowInput, "buffer"> {
  readonly value: Picture;
  /** Groups of channels that are prepared at once. */
  readonly turn: number;
  /** Makes the planes that taps are read from; absent where those of the value are. */
  readonly make?: (y: number, x: number, groups: number, isFirst: boolean) => void;
}

/**
 * @param step columns that are dealt out by their remainder, where a kernel does not pass over some by itself
 * @param cache bytes that what is made in one turn should stay in
 */
function prepare(
  to: Lowering,
  node: Node,
  { strides, dilations, padding }: Window,
  code: number,
  step = strides[1],
  cache = Number.POSITIVE_INFINITY,
): Prepared {
  const { u7_pad, u7_rows_words } = to.kernels;
  const [, outHeight, outWidth] = to.shape(node.name) as readonly number[];
  const [input] = node.inputs;
  const [top, bottom, left, right] = padding;
  const isPadded = top + bottom + left + right > 0;
  const isMade = step > 1 || isPadded;
  const value = isPadded ? to.c4(input) : to.picture(input);
  const { height, width, groups, channels, stride, pitch: apart } = value.planes;
  const columns = isMade ? Math.ceil((left + width + right) / step) : apart;
  const pitch = columns * 4;
  const into = isMade ? planes(top + height + bottom, columns, channels).stride : stride;
  const most = isMade ? Math.floor(cache / (into * step)) : groups;
  const turn = Math.max(1, Math.min(most, groups));
  const phase = turn * into;
  const bytes = phase * step;
  // Phases that have as many cells and begin at the same column go together.
  const runs: { at: number; cell: number; cells: number; length: number }[] = [];
  for (let p = 0; p < step; p++) {
    const first = Math.max(0, Math.ceil((left - p) / step));
    const cell = first * step + p - left;
    const cells = Math.ceil((width - cell) / step);
    const last = runs.at(-1);
    if (last?.cells === cells && last.cell + last.length === cell) last.length += 1;
    else runs.push({ at: p * phase + top * pitch + first * 4, cell, cells, length: 1 });
  }
  const make = (y: number, x: number, count: number, isFirst: boolean) => {
    if (step === 1) {
      u7_pad(y, x, count, height, width * 4, top, bottom, left * 4, right * 4, code, stride, into);
      return;
    }
    // The border stays from turn to turn.
    if (isFirst && isPadded) u7_pad(y, x, 1, 0, bytes, 1, 0, 0, 0, code, 0, 0);
    for (let group = 0; group < count; group++) {
      for (const { at, cell, cells, length } of runs) {
        const from = x + group * stride + cell * 4;
        u7_rows_words(y + group * into + at, from, height, cells, length, step * 4, apart * 4, pitch, phase);
      }
    }
  };
  return {
    value,
    turn,
    ...(isMade && { make }),
    bytes,
    stride: into,
    rows: {
      height: outHeight,
      width: outWidth,
      from: strides[0] * pitch,
      to: outWidth * 4,
      step: (strides[1] / step) * 4,
    },
    tap: (ky, kx) => {
      const column = kx * dilations[1];
      return (column % step) * phase + ky * dilations[0] * pitch + Math.floor(column / step) * 4;
    },
  };
}

/** Emits what prepares the planes of a value for a window. */
export function windowInput(to: Lowering, node: Node, window: Window, code: number): WindowInput {
  const x = prepare(to, node, window, code);
  const { make, turn, bytes, value } = x;
  if (!make) return { ...x, buffer: value };
  const buffer = to.scratch(bytes * to.options.batch);
  const name = window.strides[1] > 1 ? "u7_rows_words" : "u7_pad";
  to.each(`${node.name}: ${name}`, buffer, value, (yAt, xAt) => make(yAt, xAt, turn, true));
  return { ...x, buffer };
}

// Of the L1 cache of a small processor; the results want some of it too.
const CACHE_BYTES = 24_576;

/**
 * Emits a window that looks at each channel by itself: prepared and used a few groups of 4 channels at a time, so that
 * what is between does not leave the cache.
 *
 * @param step see `prepare`
 * @param kernelOf given where taps lie and the bytes between planes of the result, what computes `count` groups from
 *   `group` on
 */
export function emitByGroups(
  to: Lowering,
  node: Node,
  window: Window,
  code: number,
  label: string,
  step: number,
  kernelOf: (
    x: Omit<WindowInput, "buffer">,
    stride: number,
  ) => (y: number, x: number, group: number, count: number) => void,
): Buffer {
  const x = prepare(to, node, window, code, step, CACHE_BYTES);
  const from = x.value.planes;
  const y = to.define(node.name, "c4");
  const { stride } = y.planes;
  const kernel = kernelOf(x, stride);
  const call: Call = (yAt, xAt, scratch) => {
    for (let group = 0; group < from.groups; group += x.turn) {
      const count = Math.min(x.turn, from.groups - group);
      const at = xAt + group * from.stride;
      x.make?.(scratch, at, count, group === 0);
      kernel(yAt + group * stride, x.make ? scratch : at, group, count);
    }
  };
  to.each(`${node.name}: ${label}`, y, x.value, call, to.scratch(x.make ? x.bytes : 0));
  return y;
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
  const padded = isPadded ? to.scratch((rows * row + 64) * batch) : x;
  const stride = strideFor(rows * outWidth * 4 + 32);
  const buffer = to.scratch(groups * stride * batch);
  const [line, before, after] = [width * channels, left * channels, right * channels];
  if (isPadded) {
    to.each(`${node.name}: u7_pad`, padded, x, (yAt, xAt) => {
      to.kernels.u7_pad(yAt, xAt, 1, height, line, top, bottom, before, after, code, 0, 0);
    });
  }
  to.each(`${node.name}: u7_rows_words`, buffer, padded, (yAt, xAt) => {
    to.kernels.u7_rows_words(
      yAt,
      xAt,
      rows,
      outWidth,
      groups,
      strides[1] * channels,
      row,
      outWidth * 4,
      stride,
    );
  });
  return {
    buffer,
    bytes: groups * stride,
    stride,
    rows: { height: outHeight, width: outWidth, from: strides[0] * outWidth * 4, to: outWidth * 4, step: 4 },
    tap: (ky, group) => group * stride + ky * dilations[0] * outWidth * 4,
  };
}

/** True for the window that has kernels of its own. */
export function isPlain3x3({ size, strides, dilations }: Window): boolean {
  return [...size, ...strides, ...dilations].join() === "3,3,1,1,1,1";
}

/** Words that a row of a window takes. */
export const wordGroups = (columns: number, channels: number): number => Math.ceil((columns * channels) / 4);

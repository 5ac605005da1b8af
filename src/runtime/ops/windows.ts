/** Windows over images in f32: a padded plane of one sample, places of windows and the taps within them. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";
import { uploadIntegers } from "./constants.js";

/** Bytes: of the first place, from row to row, from column to column. */
export type Steps = readonly [first: number, row: number, column: number];

/** Address of i32[rows * columns][2]: offsets in x and in y, as f32_conv2d wants them. */
export function placesOf(to: Lowering, rows: number, columns: number, x: Steps, y: Steps): number {
  return uploadIntegers(to, "places", [rows, columns, ...x, ...y], () =>
    Int32Array.from({ length: rows * columns * 2 }, (_, i) => {
      const [first, down, across] = i % 2 ? y : x;
      const pixel = i >> 1;
      return first + Math.floor(pixel / columns) * down + (pixel % columns) * across;
    }),
  );
}

/** Address of i32[rows * columns]: offsets within a window. */
export function tapsOf(to: Lowering, rows: number, columns: number, down: number, across: number): number {
  return uploadIntegers(to, "taps", [rows, columns, down, across], () =>
    Int32Array.from(
      { length: rows * columns },
      (_, i) => Math.floor(i / columns) * down + (i % columns) * across,
    ),
  );
}

/** An image [height, width, channels] with its padding. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** top, bottom, left, right */
  readonly padding: readonly number[];
  /** Words. */
  readonly row: number;
  readonly size: number;
}

/** @param times how often each channel of the input is there */
export function planeOf(to: Lowering, input: string, padding: readonly number[], times = 1): Plane {
  const [height, width, inputs] = to.shape(input).slice(1) as number[];
  const channels = inputs * times;
  const [top, bottom, left, right] = padding;
  const row = (left + width + right) * channels;
  return { height, width, channels, padding, row, size: row * (top + height + bottom) };
}

/**
 * Emits one step that runs `call` for every sample, on its plane.
 *
 * @param x the image: the node's input, or what was made of it
 * @param value what the padding holds
 */
export function emitWindows(
  to: Lowering,
  node: Node,
  label: string,
  plane: Plane,
  value: number,
  x: Buffer,
  y: Buffer,
  call: (y: number, x: number) => void,
): void {
  const { f32_frame } = to.kernels;
  const { height, width, channels, padding, size } = plane;
  const [top, bottom, left, right] = padding;
  // One plane for all samples, one after the other.
  const padded = padding.some((cells) => cells > 0) ? to.scratch(size * 4) : undefined;
  const [before, after, line] = [left * channels, right * channels, width * channels];
  const run = (yAt: number, xAt: number, planeAt: number) => {
    if (planeAt) f32_frame(planeAt, xAt, height, line, top, bottom, before, after, value);
    call(yAt, planeAt || xAt);
  };
  to.each(`${node.name}: ${label}`, y, x, run, padded);
}

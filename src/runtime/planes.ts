/**
 * Where the numbers of a picture lie in C4 planes: `u7[sample][C / 4][pixel][4]`.
 *
 * A plane is longer than its pixels: kernels write whole tiles, which run over into what is written
 * next or into the slack behind the last pixel. In the last plane, lanes past the channels hold any codes.
 */

import type { Shape } from "../graph/index.js";
import { groupsOf4 } from "../kernels/layouts.js";
import { strideFor } from "../kernels/products.js";

/** A picture's size and the place of its planes, in bytes. */
export interface Planes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Pixels from row to row; those past the width hold any codes. */
  readonly pitch: number;
  /** Groups of 4 channels, the last padded. */
  readonly groups: number;
  readonly pixels: number;
  /** From plane to plane. */
  readonly stride: number;
  /** Of one sample. */
  readonly bytes: number;
}

// A tile of 8 pixels may run over by 7 of them.
const SLACK = 32;

/** @param pitch pixels from row to row */
export function planes(height: number, width: number, channels: number, pitch = width): Planes {
  const pixels = height * pitch;
  const groups = groupsOf4(channels);
  const stride = strideFor(pixels * 4 + SLACK);
  return { height, width, channels, pitch, groups, pixels, stride, bytes: groups * stride };
}

/** Pixels of a plane, with some of the slack. */
export const planePixels = (stride: number): number => (stride - SLACK) / 4;

/** True for values that C4 planes can hold: pictures. */
export function isPicture(shape: Shape): boolean {
  return shape.length === 4;
}

/** Rows of a window's output: how they lie in the planes that its taps are read from. */
export interface Rows {
  readonly height: number;
  readonly width: number;
  /** Bytes in the input from one output row to the next, and in the output. */
  readonly from: number;
  readonly to: number;
  /** Bytes in the input from one output pixel to the next: 4 where there are none between. */
  readonly step: number;
}

/**
 * Tiles that cover an output, of 8 or of 4 pixels: the kernels' `tiles`.
 *
 * Rows that follow each other in both are one run. The last tile of a run is moved back over the one
 * before; a run shorter than a tile runs over into the next, which is written after it.
 */
export function tilesOf(rows: Rows, size: 4 | 8): Int32Array {
  const isOneRun = rows.from === rows.width * rows.step && rows.to === rows.width * 4;
  const runs = isOneRun ? 1 : rows.height;
  const length = isOneRun ? rows.width * rows.height : rows.width;
  const perRun = Math.ceil(length / size);
  const tiles = new Int32Array(runs * perRun * 2);
  let at = 0;
  for (let run = 0; run < runs; run++) {
    for (let tile = 0; tile < perRun; tile++) {
      const pixel = Math.min(tile * size, Math.max(length - size, 0));
      tiles[at++] = run * rows.from + pixel * rows.step;
      tiles[at++] = run * rows.to + pixel * 4;
    }
  }
  return tiles;
}

/**
 * Tiles of up to 4 pixels with how many each has, for results in rows of channels.
 *
 * @param pixel bytes of the result's pixel
 */
export function countedTiles({ height, width, from }: Rows, pixel: number): Int32Array {
  const isOneRun = from === width * 4;
  const [runs, length] = isOneRun ? [1, width * height] : [height, width];
  const tiles: number[] = [];
  for (let run = 0; run < runs; run++) {
    for (let first = 0; first < length; first += 4) {
      tiles.push(run * from + first * 4, (run * length + first) * pixel, Math.min(4, length - first));
    }
  }
  return Int32Array.from(tiles);
}

/**
 * Tiles that cover an output of at least 2 rows two rows at a time, of 8 or of 4 pixels: the last ones are moved
 * back over those before, and one longer than a row runs over into rows that are written after it.
 */
export function rowPairs({ height, width, from, to }: Rows, size: 4 | 8): Int32Array {
  const tiles: number[] = [];
  for (let row = 0; row < height; row += 2) {
    const first = Math.min(row, height - 2);
    for (let column = 0; column < width; column += size) {
      const pixel = Math.max(0, Math.min(column, width - size));
      tiles.push(first * from + pixel * 4, first * to + pixel * 4);
    }
  }
  return Int32Array.from(tiles);
}

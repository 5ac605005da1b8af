/** Pictures as samples: a JPEG or PNG, or a folder of them, in the size and the channels of an input. */

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { decode as decodePng } from "fast-png";
import jpeg from "jpeg-js";
import type { NdArray } from "../data/index.js";
import { FormatError } from "../index.js";

const endings = /\.(jpe?g|png)$/i;

/** Pixels as 8-bit [row][column][red, green, blue]. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** True for a path that names a picture, or a folder. */
export async function isPictures(path: string): Promise<boolean> {
  return endings.test(path) || (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/**
 * Reads pictures, those of a folder in the order of their names.
 *
 * @param shape [height, width] or [height, width, channels] of a sample: pictures of another size are resized
 *   (bilinear, pixels by their centres); one channel is luma (ITU-R BT.601), three are red, green, blue
 * @returns uint8[count, height, width, channels]
 * @throws FormatError image-decode, image-none; RangeError for a shape that is no picture's
 */
export async function readPictures(path: string, shape: readonly number[]): Promise<NdArray> {
  const size = sizeOfSample(path, shape);
  return readAll(endings.test(path) ? [path] : await picturesIn(path), size);
}

/** Labelled pictures: the folder of each is its class. */
export interface ClassPictures {
  /** uint8[count, height, width, channels], class after class, in the order of the names. */
  readonly pictures: NdArray;
  /** Number of the class of each. */
  readonly labels: Int32Array;
  /** Names of the classes, sorted by their UTF-16 codes. */
  readonly classes: readonly string[];
}

/**
 * Reads a folder that has a folder of pictures for each class.
 *
 * @param shape as for `readPictures`, which says how they are resized
 * @throws FormatError image-classes where there are no such folders or pictures beside them, image-none for a class
 *   without pictures, image-decode; RangeError for a shape that is no picture's
 */
export async function readClassPictures(folder: string, shape: readonly number[]): Promise<ClassPictures> {
  const size = sizeOfSample(folder, shape);
  const entries = await readdir(folder, { withFileTypes: true });
  const stray = entries.find((entry) => endings.test(entry.name) && !entry.isDirectory());
  // stat, not what the entry says: a class may be a link to a folder.
  const folders = await Promise.all(
    entries.map(async ({ name }) => ((await stat(join(folder, name))).isDirectory() ? name : undefined)),
  );
  const classes = folders.filter((name) => name !== undefined && !name.startsWith(".")).sort() as string[];
  if (stray || classes.length === 0) {
    const got = stray ? `${stray.name} beside them` : "none";
    throw new FormatError("image-classes", `${folder}: wanted a folder of pictures a class, got ${got}`);
  }
  const lists = await Promise.all(classes.map((name) => picturesIn(join(folder, name))));
  const labels = Int32Array.from(lists.flatMap((list, label) => list.map(() => label)));
  return { pictures: await readAll(lists.flat(), size), labels, classes };
}

interface SampleSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

function sizeOfSample(path: string, shape: readonly number[]): SampleSize {
  const [height, width, channels = 1] = shape;
  if (shape.length < 2 || shape.length > 3 || (channels !== 1 && channels !== 3)) {
    throw new RangeError(`${path}: wanted an input of [height, width, 1 or 3] for pictures, got [${shape}]`);
  }
  return { height, width, channels };
}

async function readAll(paths: readonly string[], { height, width, channels }: SampleSize): Promise<NdArray> {
  const size = height * width * channels;
  const data = new Uint8Array(paths.length * size);
  for (const [i, file] of paths.entries()) {
    const picture = decodePicture(await readFile(file), file);
    data.set(resize(picture, width, height, channels), i * size);
  }
  return { dtype: "uint8", shape: [paths.length, height, width, channels], data };
}

async function picturesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => endings.test(name)).sort();
  if (names.length === 0)
    throw new FormatError("image-none", `${folder}: wanted .jpg or .png files, got none`);
  return names.map((name) => join(folder, name));
}

/** Pictures of a folder and of its folders, all that the readers here may take; none where it is no folder. */
export async function picturesWithin(folder: string): Promise<string[]> {
  const pathsIn = async (path: string) =>
    (await readdir(path).catch(() => [])).map((name) => join(path, name));
  const paths = await pathsIn(folder);
  const inner = await Promise.all(paths.map(pathsIn));
  return [...paths, ...inner.flat()].filter((path) => endings.test(path));
}

/** @throws FormatError image-decode, naming the path */
export function decodePicture(bytes: Uint8Array, path: string): Picture {
  try {
    return bytes[0] === 0x89 ? fromPng(bytes) : fromJpeg(bytes);
  } catch (error) {
    // fast-png ends some of its own with the message of an error that has none.
    const reason = (error as Error).message.replace(/:?\s*$/, "");
    throw new FormatError("image-decode", `${path}: wanted a PNG or JPEG picture (${reason})`);
  }
}

function fromJpeg(bytes: Uint8Array): Picture {
  return jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false, maxMemoryUsageInMB: 1024 });
}

function fromPng(bytes: Uint8Array): Picture {
  const { width, height, data, channels, depth, palette } = decodePng(bytes, { checkCrc: true });
  const full = depth === 16 ? 257 : 255 / (2 ** depth - 1);
  const rgb = new Uint8Array(width * height * 3);
  // Samples of fewer bits than 8 lie side by side in bytes, each row from a byte of its own.
  const packed = (pixel: number): number => {
    const bit = (pixel % width) * depth;
    const byte = data[Math.floor(pixel / width) * Math.ceil((width * depth) / 8) + (bit >> 3)];
    return (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  };
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let c = 0; c < 3; c++) {
      // One or two channels are grey, with or without alpha; a palette has its colours.
      const at = pixel * channels + (channels < 3 ? 0 : c);
      const value = depth < 8 ? packed(pixel) : data[at];
      rgb[pixel * 3 + c] = palette ? palette[value][c] : depth === 16 ? value / full : value * full;
    }
  }
  return { width, height, data: rgb };
}

function resize(
  { width, height, data }: Picture,
  columns: number,
  rows: number,
  channels: number,
): Uint8Array {
  const out = new Uint8Array(rows * columns * channels);
  const across = placesOf(width, columns);
  placesOf(height, rows).forEach((y, row) => {
    across.forEach((x, column) => {
      const color = [0, 1, 2].map((c) => {
        const at = (r: number, k: number) => data[(r * width + k) * 3 + c];
        const top = at(y.low, x.low) * (1 - x.share) + at(y.low, x.high) * x.share;
        const bottom = at(y.high, x.low) * (1 - x.share) + at(y.high, x.high) * x.share;
        return top * (1 - y.share) + bottom * y.share;
      });
      const at = (row * columns + column) * channels;
      if (channels === 3) out.set(color.map(Math.round), at);
      else out[at] = Math.round(0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]);
    });
  });
  return out;
}

/** Of each place along an axis of the result: the two beside it in the picture, and the share of the second. */
function placesOf(from: number, to: number) {
  return Array.from({ length: to }, (_, i) => {
    const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(place);
    return { low, high: Math.min(low + 1, from - 1), share: place - low };
  });
}

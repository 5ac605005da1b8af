/** A window that moves over pictures, tap by tap: the record of assembly/window.ts. */

import type { Heap } from "../../../wasm/index.js";

const names = [
  "batch",
  "height",
  "width",
  "channels",
  "outHeight",
  "outWidth",
  "outChannels",
  "kernelHeight",
  "kernelWidth",
  "strideY",
  "strideX",
  "dilationY",
  "dilationX",
  "padTop",
  "padLeft",
] as const;

export type Window = Readonly<Record<(typeof names)[number], number>>;

export function readWindow(heap: Heap, address: number): Window {
  const sizes = heap.i32(address, names.length);
  return Object.fromEntries(names.map((name, i) => [name, sizes[i]])) as Window;
}

export function pictureSize({ batch, height, width, channels }: Window): number {
  return batch * height * width * channels;
}

export function outputSize({ batch, outHeight, outWidth, channels, outChannels }: Window): number {
  return batch * outHeight * outWidth * channels * outChannels;
}

export function filterSize({ kernelHeight, kernelWidth, channels, outChannels }: Window): number {
  return kernelHeight * kernelWidth * channels * outChannels;
}

/** Every tap of some outputs in order: its number, and that of the picture's pixel, -1 beside the picture. */
export function eachTap(
  window: Window,
  from: number,
  count: number,
  visit: (output: number, tap: number, pixel: number) => void,
): void {
  const { height, width, outHeight, outWidth, kernelHeight, kernelWidth } = window;
  for (let output = from; output < from + count; output++) {
    const line = Math.floor(output / outWidth);
    const picture = Math.floor(line / outHeight);
    for (let tap = 0; tap < kernelHeight * kernelWidth; tap++) {
      const ky = Math.floor(tap / kernelWidth);
      const y = (line % outHeight) * window.strideY - window.padTop + ky * window.dilationY;
      const x =
        (output % outWidth) * window.strideX - window.padLeft + (tap % kernelWidth) * window.dilationX;
      const inside = y >= 0 && y < height && x >= 0 && x < width;
      visit(output, tap, inside ? (picture * height + y) * width + x : -1);
    }
  }
}

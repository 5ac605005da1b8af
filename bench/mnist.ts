/** MNIST as studies take it: pixels in [0, 1], labels. */

import { applyScale, readDigits } from "../src/data/index.js";

export interface Digits {
  /** f32[count * 784] */
  readonly x: Float32Array;
  readonly y: Uint8Array;
}

/** The first of its images: `counts` for training and for the test. */
export async function mnist(
  folder: string,
  counts: readonly [number, number],
): Promise<{ readonly train: Digits; readonly test: Digits }> {
  const { train, test } = await readDigits(folder);
  const part = ({ images, labels }: typeof train, count: number): Digits => ({
    x: applyScale(images.subarray(0, count * 784), 1 / 255, 0),
    y: labels.subarray(0, count),
  });
  return { train: part(train, counts[0]), test: part(test, counts[1]) };
}

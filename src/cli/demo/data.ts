/** The digits of the demo: drawn here, or MNIST from a folder. */

import { applyScale, createRandom, DIGIT_SIZE, drawDigits, readDigits } from "../../data/index.js";

export const pixels = DIGIT_SIZE * DIGIT_SIZE;

/** Images as f32[count * 784] in [0, 1], one after the other. */
export interface Digits {
  readonly count: number;
  readonly x: Float32Array;
  readonly y: Uint8Array;
}

export interface DemoData {
  readonly name: string;
  readonly train: Digits;
  /** Held out of the training set: what is decided on the way is decided by it. */
  readonly validation: Digits;
  /** Looked at once, at the end. */
  readonly test: Digits;
}

/** Part of the training set that is held out. */
const validationPart = 1 / 12;

/** @param count training images to draw, those that are held out among them */
export function drawnData(count: number, seed: number): DemoData {
  const test = drawDigits({ count: Math.max(500, Math.round(count / 4)), seed: seed + 1_000_000 });
  const train = drawDigits({ count, seed });
  return splitData("drawn digits", toDigits(train), toDigits(test), seed);
}

/**
 * Reads a folder as `readDigits` does.
 *
 * @throws RangeError where the images are not 28 x 28
 */
export async function folderData(folder: string, seed: number): Promise<DemoData> {
  const { train, test } = await readDigits(folder);
  for (const { rows, columns } of [train, test]) {
    if (rows !== DIGIT_SIZE || columns !== DIGIT_SIZE) {
      throw new RangeError(`${folder}: wanted images of 28 x 28, got ${rows} x ${columns}`);
    }
  }
  return splitData(folder, toDigits(train), toDigits(test), seed);
}

function toDigits({ images, labels }: { images: Uint8Array; labels: Uint8Array }): Digits {
  return { count: labels.length, x: applyScale(images, 1 / 255, 0), y: labels };
}

function splitData(name: string, digits: Digits, test: Digits, seed: number): DemoData {
  const held = Math.max(1, Math.round(digits.count * validationPart));
  const order = createRandom(seed).shuffle(Uint32Array.from({ length: digits.count }, (_, i) => i));
  return {
    name,
    train: take(digits, order.subarray(held)),
    validation: take(digits, order.subarray(0, held)),
    test,
  };
}

function take({ x, y }: Digits, order: Uint32Array): Digits {
  const taken = new Float32Array(order.length * pixels);
  for (let i = 0; i < order.length; i++) {
    taken.set(x.subarray(order[i] * pixels, (order[i] + 1) * pixels), i * pixels);
  }
  return { count: order.length, x: taken, y: Uint8Array.from(order, (i) => y[i]) };
}

/** The first of some digits. */
export function firstOf({ x, y }: Digits, count: number): Digits {
  const kept = Math.min(count, y.length);
  return { count: kept, x: x.subarray(0, kept * pixels), y: y.subarray(0, kept) };
}

/** What studies have in common: words of a command line, images, predictions of the runtime, a few statistics. */

import { existsSync } from "node:fs";
import type { Model } from "../../src/runtime.js";
import type { Digits } from "../mnist.js";

export const folder = "../shared/data/mnist";
export const pixels = 784;

/** Says so where the data is absent, and the study cannot run. */
export function isMissing(name: string): boolean {
  if (existsSync(folder)) return false;
  console.log(`skipped: ${name}, ${folder} is absent`);
  return true;
}

/** `--seeds 1,2,3` */
export function numbersOf(
  words: readonly string[],
  name: string,
  otherwise: readonly number[],
): readonly number[] {
  const at = words.indexOf(name);
  return at < 0 ? otherwise : (words[at + 1] ?? "").split(",").map(Number);
}

/** A copy of some images, in this order. */
export function takeDigits({ x, y }: Digits, places: readonly number[]): Digits {
  const taken = new Float32Array(places.length * pixels);
  places.forEach((from, to) => {
    taken.set(x.subarray(from * pixels, (from + 1) * pixels), to * pixels);
  });
  return { x: taken, y: Uint8Array.from(places, (i) => y[i]) };
}

/** The class of each image by the runtime, in parts: a plan holds its values for all samples of a run. */
export function runtimeClasses(model: Model, x: Float32Array): Uint8Array {
  const classes: number[] = [];
  for (let from = 0; from < x.length; from += 100 * pixels) {
    const [part] = Object.values(model.run(x.subarray(from, from + 100 * pixels)));
    classes.push(...classesIn(part));
  }
  return Uint8Array.from(classes);
}

/** The largest of each ten. */
export function classesIn(rows: Float32Array): Uint8Array {
  return Uint8Array.from({ length: rows.length / 10 }, (_, i) => {
    const row = rows.subarray(i * 10, i * 10 + 10);
    return row.indexOf(Math.max(...row));
  });
}

/** Share of labels that are the wanted ones. */
export function shareRight(labels: Uint8Array, wanted: Uint8Array): number {
  return labels.filter((label, i) => label === wanted[i]).length / wanted.length;
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

export function percent(share: number, places = 2): string {
  return `${(100 * share).toFixed(places)} %`;
}

/** Samples that are read without an error and yet are hardly what a model gets. */

import { formatCount } from "./format.js";

/** How many are named. */
const NAMED = 5;

/**
 * Words of warning about samples, none where nothing is odd: all zeros, or all one number, as a broken file or a wrong
 * scale leaves them. int8 takes its ranges from such samples as from any other.
 *
 * @param data f32[count * size], as the model gets it
 * @param path of the file, for the message
 */
export function oddSamples(data: Float32Array, count: number, path: string): string[] {
  const size = data.length / count;
  // A sample of one number is constant.
  if (size < 2) return [];
  const zeros: number[] = [];
  const constant: number[] = [];
  for (let i = 0; i < count; i++) {
    const sample = data.subarray(i * size, (i + 1) * size);
    if (!sample.every((value) => value === sample[0])) continue;
    (sample[0] === 0 ? zeros : constant).push(i);
  }
  return [...wordsFor(zeros, "nothing but zeros"), ...wordsFor(constant, "one number everywhere")];

  function wordsFor(which: readonly number[], what: string): string[] {
    if (which.length === 0) return [];
    const are = `${count === 1 ? "sample" : "samples"} ${which.length === 1 ? "has" : "have"}`;
    const some = which.slice(0, NAMED).join(", ") + (which.length > NAMED ? ", ..." : "");
    const share = which.length === count ? "all" : `${formatCount(which.length)} of`;
    return [`${path}: ${share} ${formatCount(count)} ${are} ${what} (${some}, counted from 0)`];
  }
}

/**
 * A hint where bytes go to the model as they are stored, which few models were trained on.
 *
 * @param stored numbers as the file has them
 */
export function unscaledBytes(stored: ArrayLike<number>, path: string): string[] {
  if (!(stored instanceof Uint8Array) || !stored.some((value) => value > 1)) return [];
  return [
    `${path}: bytes from 0 to 255 go to the model as they are; where it was trained on 0 to 1, give --scale 0.00392157`,
  ];
}

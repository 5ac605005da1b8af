/** How far two models' outputs agree. */

import { argmax } from "./quality.js";

export interface Agreement {
  /** RMS of the difference / RMS of what was wanted. */
  readonly relativeRms: number;
  /** The largest difference. */
  readonly largest: number;
  /** Part of the rows whose largest number is in the same place; null for rows of one number. */
  readonly sameClass: number | null;
}

/** @param shape of one sample; its last axis are the rows */
export function compareOutputs(got: Float32Array, wanted: Float32Array, shape: readonly number[]): Agreement {
  let squares = 0;
  let wantedSquares = 0;
  let largest = 0;
  for (let i = 0; i < wanted.length; i++) {
    const off = got[i] - wanted[i];
    squares += off * off;
    wantedSquares += wanted[i] * wanted[i];
    largest = Math.max(largest, Math.abs(off));
  }
  const relativeRms = squares === 0 ? 0 : Math.sqrt(squares / wantedSquares);
  return { relativeRms, largest, sameClass: sameClass(got, wanted, shape.at(-1) ?? 1) };
}

function sameClass(got: Float32Array, wanted: Float32Array, classes: number): number | null {
  if (classes === 1) return null;
  let same = 0;
  for (let at = 0; at < wanted.length; at += classes) {
    if (argmax(got, at, classes) === argmax(wanted, at, classes)) same++;
  }
  return same / (wanted.length / classes);
}

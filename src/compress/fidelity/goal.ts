/** What int8 has to reach, and whether it did. */

import type { OutputFidelity } from "./measure.js";

export interface FidelityGoal {
  /** Least cosine of each output. */
  readonly cosine: number;
  /** Largest relative RMS error of each output. */
  readonly relativeRms: number;
}

/**
 * The goal of a cosine: an error that stands upright on the output is sqrt(1 / cosine^2 - 1) of it, and half of its
 * square may go along with it. 0.99 gives a relative RMS error of 0.1.
 */
export function goalOf(cosine: number): FidelityGoal {
  return { cosine, relativeRms: Math.sqrt(1 - cosine) };
}

/** Largest error of a score that is constant. */
const constantError = 0.02;

export function meets(output: OutputFidelity, goal: FidelityGoal): boolean {
  if (output.isConstant) return output.largestError <= constantError;
  return output.cosine >= goal.cosine && output.relativeRms <= goal.relativeRms;
}

/** Layers, and the part of the goal that an output of a net of so many may use up on the samples of a check. */
type Reserves = readonly (readonly [number, number])[];
const scoreReserves: Reserves = [
  [10, 0.85],
  [22, 0.5],
  [50, 0.14],
];
const otherReserves: Reserves = [
  [40, 0.6],
  [70, 0.3],
];

function reserveOf(reserves: Reserves, layers: number): number {
  const next = reserves.findIndex(([most]) => layers <= most);
  if (next === 0) return reserves[0][1];
  if (next < 0) return reserves[reserves.length - 1][1];
  const [[fewer, more], [most, rest]] = [reserves[next - 1], reserves[next]];
  return more + ((layers - fewer) / (most - fewer)) * (rest - more);
}

/**
 * How much of what is allowed an output uses up, in the samples of a check: above 1 is too much.
 *
 * Something is kept in reserve, since what a model meets later is less like its calibration than they are. On photos that
 * calibration had none of, errors were 0.8 to 1.5 times those of a check; those of the scores of deep nets, which are less
 * sure of what they have not seen, 2 to 5 times. Scores are judged by their log-odds too, in which a sure answer does not
 * hide what is behind it.
 *
 * The tables were set while looking at held-out samples of a few nets of the study (one MobileNetV2 above all, and kept
 * where it agreed with f32 on 98 % of them): its figures of those are no proof for others.
 */
export function partUsed(output: OutputFidelity, goal: FidelityGoal, layers: number): number {
  if (output.isConstant) return output.largestError / constantError;
  const isScore = output.logOddsRms !== undefined;
  const error = Math.max(output.upperRms, output.logOddsRms ?? 0);
  return error / goal.relativeRms / reserveOf(isScore ? scoreReserves : otherReserves, layers);
}

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

/**
 * Part of the goal that samples of a check may use up: what a model meets later is less like its calibration than they
 * are. On photos that calibration had none of, errors were 1.0 to 1.9 times those of a check in nets of up to 30 layers,
 * and 2 to 4 times in nets of more than 50.
 */
export function reserveOf(layers: number): number {
  const [few, many] = [30, 50];
  const part = Math.min(Math.max((layers - few) / (many - few), 0), 1);
  return 0.65 - 0.35 * part;
}

/** What counts against the goal: the error, or that of the log-odds behind a score where it is larger. */
export function errorOf({ upperRms, logOddsRms = 0 }: OutputFidelity): number {
  return Math.max(upperRms, logOddsRms);
}

/** Whether a part of the goal is met, with what few samples leave to chance. */
export function surelyMeets(output: OutputFidelity, goal: FidelityGoal, reserve: number): boolean {
  return meets(output, goal) && (output.isConstant === true || errorOf(output) <= reserve * goal.relativeRms);
}

/** What is aimed at where more precision is chosen, as a squared relative error. */
export function allowedError(goal: FidelityGoal, reserve: number): number {
  return (0.9 * reserve * goal.relativeRms) ** 2;
}

/** How far off the worst output is: 1 is just the goal, less is better. */
export function worstOf(outputs: readonly OutputFidelity[], goal: FidelityGoal): number {
  const parts = outputs.map((output) =>
    output.isConstant ? output.largestError / constantError : errorOf(output) / goal.relativeRms,
  );
  return Math.max(0, ...parts);
}

/** Learning rates that change over a run: from its progress in [0, 1] to a rate. */

import type * as tf from "@tensorflow/tfjs-core";

/**
 * @param progress 0 at the first step of a run, towards 1 at its last
 * @returns a finite rate > 0
 */
export type RateSchedule = (progress: number) => number;

/** The same rate all along. */
export function constantRate(rate: number): RateSchedule {
  checkRate("rate", rate);
  return () => rate;
}

export interface CosineRateOptions {
  /** At the start, after the warm-up; > 0. */
  readonly from: number;
  /** At the end; > 0, a hundredth of `from` unless given. */
  readonly to?: number;
  /** Share of the run over which the rate rises in a straight line to `from`, in [0, 1); 0 unless given. */
  readonly warmup?: number;
}

/**
 * to + (from - to) (1 + cos(pi progress)) / 2. Loshchilov and Hutter 2017, SGDR, formula 5, without restarts.
 *
 * @throws TypeError, RangeError for a rate that is not > 0, or a warm-up outside [0, 1)
 */
export function cosineRate({ from, to = from / 100, warmup = 0 }: CosineRateOptions): RateSchedule {
  checkRate("from", from);
  checkRate("to", to);
  if (!(warmup >= 0 && warmup < 1)) throw new RangeError(`warmup: wanted a share in [0, 1), got ${warmup}`);
  return (progress) => {
    // From a hundredth of the way, not from 0: a step with a rate of 0 is none.
    if (progress < warmup) return from * Math.max(0.01, progress / warmup);
    const share = (progress - warmup) / (1 - warmup);
    return to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
  };
}

export interface StepRateOptions {
  /** At the start; > 0. */
  readonly from: number;
  /** Where it is multiplied by `factor`: shares of the run in [0, 1]. */
  readonly at: readonly number[];
  /** > 0; 0.1 unless given. */
  readonly factor?: number;
}

/** Multiplied by a factor at some points of the run. */
export function stepRate({ from, at, factor = 0.1 }: StepRateOptions): RateSchedule {
  checkRate("from", from);
  checkRate("factor", factor);
  for (const share of at) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`at: wanted shares in [0, 1], got ${share}`);
  }
  return (progress) => from * factor ** at.filter((share) => progress >= share).length;
}

/** From one rate to another by the same factor at every step. */
export function exponentialRate({ from, to }: { readonly from: number; readonly to: number }): RateSchedule {
  checkRate("from", from);
  checkRate("to", to);
  return (progress) => from * (to / from) ** progress;
}

export function checkRate(name: string, rate: unknown): void {
  if (typeof rate !== "number") throw new TypeError(`${name}: wanted a number, got ${typeof rate}`);
  if (!(rate > 0 && Number.isFinite(rate))) {
    throw new RangeError(`${name}: wanted a finite number > 0, got ${rate}`);
  }
}

/**
 * Sets the rate of one of tf.train's optimizers, which keep it in a field of the same name; SGD, and momentum
 * with it, have a tensor of it besides.
 *
 * @throws TypeError where the optimizer has no learning rate
 */
export function setRate(optimizer: tf.Optimizer, rate: number): void {
  const own = optimizer as unknown as { learningRate?: number; setLearningRate?(rate: number): void };
  if (typeof own.learningRate !== "number") {
    throw new TypeError("learningRate: wanted an optimizer with a learning rate for a schedule, got none");
  }
  if (own.setLearningRate) own.setLearningRate(rate);
  else own.learningRate = rate;
}

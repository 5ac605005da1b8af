/** Learning rates: how they change over a run, and how an optimizer of tf.train is given one. */

import type * as tf from "@tensorflow/tfjs-core";

/**
 * @param progress steps done, of all, in [0, 1): 0 at the first step
 * @returns the learning rate of the next step, finite and >= 0
 */
export type RateSchedule = (progress: number) => number;

export interface CosineRateOptions {
  /** Rate after the warm-up, > 0. */
  readonly from: number;
  /** Rate at the end, >= 0; 0 unless given. */
  readonly to?: number;
  /** Part of the run in which the rate rises from 0 to `from`, in [0, 1); 0 unless given. */
  readonly warmup?: number;
}

export interface StepRateOptions {
  /** Rate at first, > 0. */
  readonly from: number;
  /** What the rate is multiplied by at each of `at`, > 0; 0.1 unless given. */
  readonly factor?: number;
  /** Progress of the changes, each in [0, 1]. */
  readonly at: readonly number[];
}

export interface ExponentialRateOptions {
  /** Rate at first, > 0. */
  readonly from: number;
  /** Rate at the end, > 0. */
  readonly to: number;
}

/** The same rate all along, > 0. @throws TypeError, RangeError where it is none */
export function constantRate(rate: number): RateSchedule {
  checkRate("rate", rate);
  return () => rate;
}

/**
 * to + (from - to) (1 + cos(pi progress)) / 2, after a linear warm-up. Loshchilov and Hutter 2017, SGDR,
 * section 3, without restarts.
 *
 * @throws TypeError, RangeError for rates or a warm-up out of range
 */
export function cosineRate({ from, to = 0, warmup = 0 }: CosineRateOptions): RateSchedule {
  checkRate("from", from);
  if (to !== 0) checkRate("to", to);
  if (!(warmup >= 0 && warmup < 1)) throw new RangeError(`warmup: wanted a part in [0, 1), got ${warmup}`);
  return (progress) => {
    if (progress < warmup) return (from * progress) / warmup;
    return to + (from - to) * (0.5 + 0.5 * Math.cos((Math.PI * (progress - warmup)) / (1 - warmup)));
  };
}

/** from factor^k, k of `at` being reached. @throws TypeError, RangeError for numbers out of range */
export function stepRate({ from, factor = 0.1, at }: StepRateOptions): RateSchedule {
  checkRate("from", from);
  checkRate("factor", factor);
  for (const progress of at) {
    if (!(progress >= 0 && progress <= 1)) {
      throw new RangeError(`at: wanted progress in [0, 1], got ${progress}`);
    }
  }
  return (progress) => from * factor ** at.filter((reached) => reached <= progress).length;
}

/** from (to / from)^progress. @throws TypeError, RangeError for rates that are not > 0 */
export function exponentialRate({ from, to }: ExponentialRateOptions): RateSchedule {
  checkRate("from", from);
  checkRate("to", to);
  return (progress) => from * (to / from) ** progress;
}

export function checkRate(name: string, rate: number): void {
  if (typeof rate !== "number") throw new TypeError(`${name}: wanted a number, got ${typeof rate}`);
  if (!(rate > 0 && Number.isFinite(rate))) {
    throw new RangeError(`${name}: wanted a finite number > 0, got ${rate}`);
  }
}

/** The rate of a step by its number. @throws RangeError where a schedule gives none */
export function rateAt(schedule: RateSchedule, step: number, steps: number): number {
  const rate = schedule(step / steps);
  if (!(rate >= 0 && Number.isFinite(rate))) {
    throw new RangeError(`learningRate: wanted a finite number >= 0, got ${rate} at step ${step}`);
  }
  return rate;
}

/** Every optimizer of tf.train keeps its rate in a field of this name, protected. */
interface Rated {
  learningRate: unknown;
  /** SGD and momentum: they keep a tensor of the rate too. */
  setLearningRate?(rate: number): void;
}

/** The rate that an optimizer has. @throws TypeError where it has none */
export function rateOf(optimizer: tf.Optimizer): number {
  const { learningRate } = optimizer as unknown as Rated;
  if (typeof learningRate === "number") return learningRate;
  throw new TypeError(`optimizer: wanted one with a learning rate, got ${optimizer.getClassName()}`);
}

export function setRate(optimizer: tf.Optimizer, rate: number): void {
  const rated = optimizer as unknown as Rated;
  if (rated.setLearningRate) rated.setLearningRate(rate);
  else rated.learningRate = rate;
}

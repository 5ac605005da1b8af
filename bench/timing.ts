/** Times two sides in turns with Benchmark.js: it counts the calls and reads the clock, rounds interleave. */

import Benchmark from "benchmark";
import { median, type Round } from "./statistics.js";

/** One of the two that are compared: `run` does the whole of what its user would do. */
export interface Side {
  readonly name: string;
  run(): unknown;
}

export interface Effort {
  /** Each side runs at least this long before anything counts. */
  readonly warmUpSeconds: number;
  /** A sample is as many calls as take about this long, at least one. */
  readonly sampleSeconds: number;
  readonly rounds: number;
  /** Fewer rounds where calls are slow, but never less than `fewestRounds`. */
  readonly budgetSeconds: number;
  readonly fewestRounds: number;
}

export const thorough: Effort = {
  warmUpSeconds: 0.4,
  sampleSeconds: 0.008,
  rounds: 61,
  budgetSeconds: 12,
  fewestRounds: 10,
};
export const quick: Effort = {
  warmUpSeconds: 0.1,
  sampleSeconds: 0.003,
  rounds: 15,
  budgetSeconds: 2,
  fewestRounds: 10,
};
/** For a peer that takes seconds a call, and hundreds of times as long as the subject. */
export const patient: Effort = { ...thorough, warmUpSeconds: 0.1, rounds: 3, fewestRounds: 3 };

export function timeRounds(subject: Side, peer: Side, effort: Effort): Round[] {
  const sides = [subject, peer].map((side) => ({ side, count: calibrate(side, effort) }));
  const { fewestRounds } = effort;
  const until = performance.now() + effort.budgetSeconds * 1e3;
  const rounds: Round[] = [];
  while (rounds.length < effort.rounds && (rounds.length < fewestRounds || performance.now() < until)) {
    // Whoever goes second finds the caches as the other left them: they take turns at it.
    const turn = rounds.length % 2;
    const first = sample(sides[turn].side, sides[turn].count);
    const second = sample(sides[1 - turn].side, sides[1 - turn].count);
    const [subjectMs, peerMs] = turn === 0 ? [first, second] : [second, first];
    rounds.push({ subjectMs, peerMs });
  }
  return rounds;
}

/** Median milliseconds of a call of one side, for measurements that compare nothing. */
export function timeAlone(side: Side, effort: Effort): number {
  const count = calibrate(side, effort);
  return median(Array.from({ length: effort.rounds }, () => sample(side, count)));
}

/** Warms a side up and finds how many calls make a sample. */
function calibrate(side: Side, { warmUpSeconds, sampleSeconds }: Effort): number {
  const bench = run(side, { minSamples: 3, maxTime: warmUpSeconds, minTime: sampleSeconds });
  return Math.max(1, Math.round(sampleSeconds * bench.hz));
}

/** One sample of `count` calls: milliseconds a call. */
function sample(side: Side, count: number): number {
  // A negative maxTime ends after the first sample; a minTime this short never adds calls to it.
  const bench = run(side, { initCount: count, minSamples: 1, maxTime: -1, minTime: 1e-9 });
  return bench.times.period * 1e3;
}

function run(side: Side, options: Benchmark.Options): Benchmark {
  const bench = new Benchmark(side.name, () => side.run(), options);
  bench.run({ async: false });
  if (bench.error) throw bench.error;
  return bench;
}

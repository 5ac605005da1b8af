/**
 * Times two sides in turns, in rounds. Benchmark.js counts the calls and reads the clock, but not where a side
 * answers with a promise: there a loop of awaited calls does, the same for both sides.
 */

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
  const rounds: Round[] = [];
  for (const turn of turns(effort)) {
    const first = sample(sides[turn].side, sides[turn].count);
    const second = sample(sides[1 - turn].side, sides[1 - turn].count);
    rounds.push(roundOf(turn, first, second));
  }
  return rounds;
}

/**
 * As `timeRounds`, of sides of which one at least answers with a promise: each call of either is awaited.
 *
 * What that costs is charged to both alike, and is next to nothing: 0.03 us a call in loops of 2000, 0.15 us in a
 * loop of one (Node 20 and 24, whether the call is async or not). Benchmark.js' own way, `defer`, compiles its
 * loop with the clock running, 57 us a sample: of a sample of few calls that would be a good part.
 */
export async function timeAwaitedRounds(subject: Side, peer: Side, effort: Effort): Promise<Round[]> {
  const sides = [
    { side: subject, count: await calibrateAwaited(subject, effort) },
    { side: peer, count: await calibrateAwaited(peer, effort) },
  ];
  const rounds: Round[] = [];
  for (const turn of turns(effort)) {
    const first = await sampleAwaited(sides[turn].side, sides[turn].count);
    const second = await sampleAwaited(sides[1 - turn].side, sides[1 - turn].count);
    rounds.push(roundOf(turn, first, second));
  }
  return rounds;
}

/**
 * A number for each round, until they are enough: which side goes first. Whoever goes second finds the caches as
 * the other left them, so that they take turns at it.
 */
function* turns({ rounds, fewestRounds, budgetSeconds }: Effort): Generator<0 | 1> {
  const until = performance.now() + budgetSeconds * 1e3;
  for (let i = 0; i < rounds && (i < fewestRounds || performance.now() < until); i++) yield i % 2 ? 1 : 0;
}

function roundOf(turn: 0 | 1, first: number, second: number): Round {
  const [subjectMs, peerMs] = turn === 0 ? [first, second] : [second, first];
  return { subjectMs, peerMs };
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

async function calibrateAwaited(side: Side, { warmUpSeconds, sampleSeconds }: Effort): Promise<number> {
  const until = performance.now() + warmUpSeconds * 1e3;
  let ms = await sampleAwaited(side, 1);
  // The last sample, not the mean: the first calls are those of a machine that is cold.
  while (performance.now() < until) ms = await sampleAwaited(side, countOf(sampleSeconds, ms));
  return countOf(sampleSeconds, ms);
}

async function sampleAwaited(side: Side, count: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < count; i++) await side.run();
  return (performance.now() - start) / count;
}

// Not more than a call of 0.1 us wants: what a clock reads as 0 has no end otherwise.
const countOf = (seconds: number, ms: number): number =>
  Math.max(1, Math.round((seconds * 1e3) / Math.max(ms, 1e-4)));

function run(side: Side, options: Benchmark.Options): Benchmark {
  const bench = new Benchmark(side.name, () => side.run(), options);
  bench.run({ async: false });
  if (bench.error) throw bench.error;
  return bench;
}

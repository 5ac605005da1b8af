/** Latencies side by side: all warmed up, taken in turns, so that what the machine does hits all alike. */

import { breathe } from "./host.js";
import type { Progress } from "./progress.js";

export interface TimingOptions {
  readonly rounds: number;
  readonly signal: AbortSignal;
  readonly progress?: Progress;
}

export interface Timing {
  readonly medianMs: number;
  readonly p95Ms: number;
  /** Milliseconds a call, for each round. */
  readonly rounds: readonly number[];
}

// A turn lasts this long at least: far above the grain of the clock.
const turnMs = 3;
const warmUpMs = 150;

/** Times each side, by name: one run of the function is one call. */
export async function timeInTurns<Name extends string>(
  sides: Readonly<Record<Name, () => void>>,
  { rounds, signal, progress }: TimingOptions,
): Promise<Record<Name, Timing>> {
  const names = Object.keys(sides) as Name[];
  const repeats = new Map<Name, number>();
  for (const name of names) {
    const callMs = warmUp(sides[name]);
    repeats.set(name, Math.max(1, Math.ceil(turnMs / callMs)));
    await breathe(signal);
  }
  const times = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) times.get(name)?.push(turn(sides[name], repeats.get(name) as number));
    progress?.update((round + 1) / rounds);
    await breathe(signal);
  }
  const timings = names.map((name) => [name, summarize(times.get(name) as number[])] as const);
  return Object.fromEntries(timings) as Record<Name, Timing>;
}

/** How many times faster the subject is: the median over the rounds. */
export function speedup(subject: Timing, peer: Timing): number {
  return median(subject.rounds.map((ms, round) => peer.rounds[round] / ms));
}

/** Runs until the compiler had its chance, and says how long a call then takes. */
function warmUp(run: () => void): number {
  const begin = performance.now();
  let calls = 0;
  for (; calls < 20 || performance.now() - begin < warmUpMs; calls++) {
    run();
    if (performance.now() - begin > 4 * warmUpMs) break;
  }
  // The quickest of a few: one that the machine interrupts says nothing of the call.
  const last = Array.from({ length: 5 }, () => turn(run, 1));
  return Math.max(Math.min(...last), 1e-4);
}

function turn(run: () => void, repeats: number): number {
  const begin = performance.now();
  for (let i = 0; i < repeats; i++) run();
  return (performance.now() - begin) / repeats;
}

function summarize(rounds: readonly number[]): Timing {
  const sorted = [...rounds].sort((a, b) => a - b);
  const p95 = sorted[Math.min(sorted.length - 1, Math.ceil(0.95 * sorted.length) - 1)];
  return { medianMs: median(rounds), p95Ms: p95, rounds };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

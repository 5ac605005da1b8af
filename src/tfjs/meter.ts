/** Means over an epoch, read from the device now and then: a read at every step would make it wait. */

import type { Outcome } from "./learner.js";

export interface Means {
  /** Of the whole loss: labels, terms, regularization. */
  readonly loss: number;
  /** Share of right answers; absent where the loss is no classification or no sample had a label. */
  readonly accuracy?: number;
  /** Of each term of the loss, by its name; absent where there are none. */
  readonly terms?: Readonly<Record<string, number>>;
}

export interface Meter {
  add(outcome: Outcome): void;
  /** Reads and disposes what was added since. */
  read(): Promise<void>;
  /** As of the last read. */
  means(): Means;
  /** As of the last read: the sums that the means are made of, which another meter can go on with. */
  sums(): Float64Array;
  /** Frees what was not read. */
  dispose(): void;
}

/**
 * @param terms names, in the order of the outcomes
 * @param before sums of a meter that this one goes on for
 */
export function createMeter(terms: readonly string[], before?: Float64Array): Meter {
  let pending: Outcome[] = [];
  const sums = before?.slice() ?? new Float64Array(sumsOf(terms));

  function dispose(): void {
    for (const outcome of pending) {
      for (const tensor of [outcome.loss, outcome.correct, ...outcome.terms]) tensor?.dispose();
    }
    pending = [];
  }

  async function read(): Promise<void> {
    for (const { samples, answers, loss, correct, terms } of pending) {
      sums[0] += samples;
      sums[1] += (await loss.data())[0] * samples;
      if (correct) {
        sums[2] += answers;
        sums[3] += (await correct.data())[0];
      }
      for (const [i, term] of terms.entries()) sums[4 + i] += (await term.data())[0] * samples;
    }
    dispose();
  }

  function means(): Means {
    const [samples, loss, answers, correct] = sums;
    return {
      loss: loss / samples,
      ...(answers > 0 && { accuracy: correct / answers }),
      ...(terms.length > 0 && {
        terms: Object.fromEntries(terms.map((name, i) => [name, sums[4 + i] / samples])),
      }),
    };
  }

  return { add: (outcome) => pending.push(outcome), read, means, sums: () => sums.slice(), dispose };
}

/** How many sums a meter keeps: samples, loss, answers, right answers, and one a term. */
export function sumsOf(terms: readonly string[]): number {
  return 4 + terms.length;
}

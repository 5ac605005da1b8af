/** Means over an epoch, read from the device now and then: a read at every step would make it wait. */

import type { Outcome } from "./learner.js";

export interface Means {
  readonly loss: number;
  readonly accuracy?: number;
}

export interface Meter {
  add(outcome: Outcome): void;
  /** Reads and disposes what was added since. */
  read(): Promise<void>;
  /** As of the last read. */
  means(): Means;
  /** Frees what was not read. */
  dispose(): void;
}

export function createMeter(): Meter {
  let pending: Outcome[] = [];
  let samples = 0;
  let labelled = 0;
  let loss = 0;
  let correct: number | undefined;

  function dispose(): void {
    for (const outcome of pending) {
      outcome.loss.dispose();
      outcome.correct?.dispose();
    }
    pending = [];
  }

  async function read(): Promise<void> {
    for (const outcome of pending) {
      samples += outcome.samples;
      loss += (await outcome.loss.data())[0] * outcome.samples;
      if (!outcome.correct) continue;
      labelled += outcome.labelled;
      correct = (correct ?? 0) + (await outcome.correct.data())[0];
    }
    dispose();
  }

  return {
    add: (outcome) => pending.push(outcome),
    read,
    means: () => ({
      loss: loss / samples,
      ...(correct !== undefined && { accuracy: correct / labelled }),
    }),
    dispose,
  };
}

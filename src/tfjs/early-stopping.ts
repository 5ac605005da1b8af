/** Ends a run whose validation loss falls no more, and brings back the best epoch. */

import { checkKeys } from "../data/index.js";
import { joinStates, numberIn, partStates, restoreParts, type SavedState, splitState } from "./state.js";
import type { StepPart } from "./step.js";
import { restoreVariables, saveVariables } from "./variables.js";
import type { ModelWeight } from "./weights.js";

export interface EarlyStoppingOptions {
  /** Epochs in a row without a gain after which the run ends, an integer >= 1. */
  readonly patience: number;
  /** By how much the loss must fall to count as a gain, >= 0; 0 unless given: any fall counts. */
  readonly minimumGain?: number;
  /** Ends with the weights of the best epoch, and not of the last; true unless given. */
  readonly restoreBest?: boolean;
}

export interface Stopper {
  /** Takes note of the validation loss of an epoch, counted from 0, right after it. */
  look(epoch: number, loss: number): void;
  isOver(): boolean;
  /** The best epoch so far, counted from 0. */
  best(): number | undefined;
  /** Sets weights and parts to the best epoch, if that is wanted. */
  finish(): void;
  state(): SavedState;
  restore(state: SavedState): void;
}

/**
 * @param weights all of the model
 * @param parts whose state goes with the weights. Epochs after which one of them still changes what the
 *   model is do not count: the best epoch of a run that prunes has all its zeros
 * @param stepsPerEpoch steps of an epoch
 * @throws RangeError for options out of range
 */
export function createStopper(
  options: EarlyStoppingOptions,
  weights: readonly ModelWeight[],
  parts: readonly StepPart[],
  stepsPerEpoch: number,
): Stopper {
  checkKeys("earlyStopping", options, { patience: true, minimumGain: true, restoreBest: true });
  const { patience, minimumGain = 0, restoreBest = true } = options;
  if (!Number.isInteger(patience) || patience < 1) {
    throw new RangeError(`patience: wanted an integer >= 1, got ${patience}`);
  }
  if (!(minimumGain >= 0 && Number.isFinite(minimumGain))) {
    throw new RangeError(`minimumGain: wanted a finite number >= 0, got ${minimumGain}`);
  }
  const variables = weights.map(({ variable }) => variable);
  let best: number | undefined;
  let bestLoss = Number.NaN;
  let kept: SavedState | undefined;
  let waited = 0;

  function look(epoch: number, loss: number): void {
    const lastStep = (epoch + 1) * stepsPerEpoch - 1;
    if (!parts.every((part) => part.settled?.(lastStep) ?? true)) return;
    if (best === undefined || Number.isNaN(bestLoss) || loss < bestLoss - minimumGain) {
      best = epoch;
      bestLoss = loss;
      waited = 0;
      if (restoreBest) kept = keep();
    } else waited += 1;
  }

  function keep(): SavedState {
    return joinStates({ weights: saveVariables(variables), ...partStates(parts) });
  }

  function finish(): void {
    if (!kept) return;
    restoreVariables(variables, splitState(kept, "weights"), "best weights");
    restoreParts(parts, kept);
  }

  return {
    look,
    isOver: () => waited >= patience,
    best: () => best,
    finish,
    state: () => joinStates({ own: { numbers: { best: best ?? -1, bestLoss, waited } }, kept: kept ?? {} }),
    restore: (state) => {
      const own = splitState(state, "own");
      const epoch = numberIn(own, "best");
      best = epoch < 0 ? undefined : epoch;
      bestLoss = numberIn(own, "bestLoss");
      waited = numberIn(own, "waited");
      if (restoreBest && best !== undefined) kept = splitState(state, "kept");
    },
  };
}

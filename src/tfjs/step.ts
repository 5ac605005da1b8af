/** What takes part in a training run: pruning, and whatever else shapes the weights while they learn. */

export interface StepPart {
  /** Before a step, which are counted from 0. */
  before(step: number): void;
  /** After the optimizer moved the weights. */
  after(step: number): void;
  /** Once, when the run ends, by itself or by its signal. */
  finish(): void;
  /** Frees tensors, whatever happened. */
  dispose(): void;
}

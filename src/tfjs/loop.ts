/** The way through the epochs: steps, progress, validation, an early end. */

import type * as tf from "@tensorflow/tfjs-core";
import type { Clock } from "./clock.js";
import type { Stopper } from "./early-stopping.js";
import type { GradualPruning } from "./gradual.js";
import type { Learner } from "./learner.js";
import { createMeter, type Meter } from "./meter.js";
import type { EpochFigures, Progress } from "./options.js";
import { type RateSchedule, rateAt, setRate } from "./rates.js";
import type { StepPart } from "./step.js";
import type { Streams } from "./streams.js";
import type { Validation } from "./validation.js";
import type { ModelWeight } from "./weights.js";

/** What a run is made of. */
export interface Run {
  readonly epochs: number;
  readonly batchSize: number;
  /** Of the whole run. */
  readonly steps: number;
  readonly terms: readonly string[];
  readonly parts: readonly StepPart[];
  readonly learn: Learner;
  /** All of the model. */
  readonly weights: readonly ModelWeight[];
  readonly optimizer: tf.Optimizer;
  readonly rate?: RateSchedule;
  readonly clock: Clock;
  readonly pruning: GradualPruning | undefined;
  readonly validate?: Validation;
  readonly stopper?: Stopper;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  readonly checkpoint?: Checkpoint;
}

/** Keeps where a run is: at the end of each epoch, when the run is aborted, and when it is due. */
export interface Checkpoint {
  /** Goes to where a run was; changes nothing where none was kept. */
  load(position: Position): Promise<void>;
  isDue(): boolean;
  save(position: Position): Promise<void>;
}

/** Where it is, between two steps. */
export interface Position {
  readonly streams: Streams;
  /** Numbers of the samples, as shuffled for the epoch under way. */
  readonly order: Int32Array;
  /** Counted from 0. */
  epoch: number;
  /** Samples of this epoch that are done; where it is 0 the order is still that of the epoch before. */
  from: number;
  meter: Meter;
  /** Of the epochs that are done. */
  readonly figures: EpochFigures[];
}

export function startOf(count: number, terms: readonly string[], streams: Streams): Position {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  return { streams, order, epoch: 0, from: 0, meter: createMeter(terms), figures: [] };
}

/** Steps that are done at a position. */
export function stepsDone({ epoch, from, order }: Position, batchSize: number): number {
  return epoch * Math.ceil(order.length / batchSize) + Math.ceil(from / batchSize);
}

export function isDone(run: Run, { epoch }: Position): boolean {
  return epoch >= run.epochs || run.stopper?.isOver() === true;
}

/**
 * Runs to the end, or to the signal.
 *
 * @throws the reason of the signal; RangeError where a weight is no finite number at the end of an epoch: then none
 *   that matters is any more, and the model gets the best ones back where early stopping keeps them
 */
export async function runEpochs(run: Run, position: Position): Promise<void> {
  const { clock, signal, checkpoint } = run;
  try {
    while (!isDone(run, position)) {
      if (position.from === 0) position.streams.order.shuffle(position.order);
      takeStep(run, position);
      const ends = position.from >= position.order.length;
      const due = ends || clock.isDue();
      if (ends) await endEpoch(run, position);
      else if (due) await report(run, position);
      if (due) await clock.pause();
      const aborted = signal?.aborted;
      if (checkpoint && (ends || aborted || checkpoint.isDue())) await checkpoint.save(position);
      if (aborted) signal?.throwIfAborted();
    }
  } finally {
    position.meter.dispose();
  }
}

function takeStep(run: Run, position: Position): void {
  const { batchSize, parts, steps, rate, optimizer } = run;
  const { order, from } = position;
  const step = stepsDone(position, batchSize);
  if (rate) setRate(optimizer, rateAt(rate, step, steps));
  for (const part of parts) part.before?.(step);
  position.meter.add(run.learn(order.subarray(from, from + batchSize)));
  for (const part of parts) part.after?.(step);
  position.from = Math.min(from + batchSize, order.length);
}

async function endEpoch(run: Run, position: Position): Promise<void> {
  const { epoch, meter, figures } = position;
  await meter.read();
  try {
    checkWeights(run.weights);
  } catch (error) {
    run.stopper?.finish();
    throw error;
  }
  const validation = await run.validate?.();
  figures.push({ ...meter.means(), ...(validation && { validation }) });
  if (validation) run.stopper?.look(epoch, validation.loss);
  await report(run, position);
  position.epoch += 1;
  position.from = 0;
  position.meter = createMeter(run.terms);
}

/** The weights, not the loss: where that is kept off 0 and 1, it may stay finite when nothing else does. */
function checkWeights(weights: readonly ModelWeight[]): void {
  for (const { name, variable } of weights) {
    const values = variable.dataSync();
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    throw new RangeError(
      `diverged: ${name}: wanted finite numbers, got ${values[at]} at ${at}; a lower learningRate may help`,
    );
  }
}

async function report(run: Run, position: Position): Promise<void> {
  const { clock, steps, onProgress } = run;
  const { epoch, meter, figures } = position;
  await meter.read();
  const step = stepsDone(position, run.batchSize);
  const validation = figures.at(-1)?.validation;
  onProgress?.({
    epoch: epoch + 1,
    step,
    steps,
    ...meter.means(),
    ...(validation && { validation }),
    sparsity: run.pruning?.sparsity() ?? 0,
    ...(run.pruning && { pruned: run.pruning.tensors() }),
    secondsLeft: (clock.seconds() / step) * (steps - step),
  });
}

/** A run as a checkpoint, and back. */

import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type CheckpointStore, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.js";
import type { Checkpoint, Position, Run } from "./loop.js";
import { createMeter, sumsOf } from "./meter.js";
import type { Noise } from "./noise.js";
import { checkOptimizer, restoreOptimizer, saveOptimizer } from "./optimizer-state.js";
import type { EpochFigures } from "./options.js";
import {
  arrayIn,
  countIn,
  joinStates,
  numberIn,
  partStates,
  restoreParts,
  type SavedState,
  splitState,
} from "./state.js";
import { restoreStreams, saveStreams } from "./streams.js";
import { restoreVariables, saveVariables } from "./variables.js";

export interface CheckpointOptions {
  /** A store for each run: `fileCheckpoint(path)`. */
  readonly store: CheckpointStore;
  /** Seconds from one checkpoint to the next, >= 0; 10 unless given. There is one after each epoch too. */
  readonly everySeconds?: number;
}

/** All that the steps of a run change. */
export interface Changing {
  readonly run: Run;
  /** Of the model, those included that are not trained: moving means. */
  readonly weights: readonly tf.Variable[];
  /** That the terms train themselves. */
  readonly ofTerms: readonly tf.Variable[];
  /** That the optimizer moves: weights, then those of the terms. */
  readonly variables: readonly tf.Variable[];
}

/**
 * @param about what the run was asked for, each as JSON
 * @returns what saves it
 * @throws RangeError where the model has what no checkpoint can keep
 */
export function openCheckpoint(
  model: LayersModel,
  noise: Noise,
  { store, everySeconds = 10 }: CheckpointOptions,
  about: Readonly<Record<string, string>>,
  changing: Changing,
): Checkpoint {
  if (typeof store?.load !== "function" || typeof store.save !== "function") {
    throw new TypeError("checkpoint: wanted a store with load and save");
  }
  if (!(everySeconds >= 0)) {
    throw new RangeError(`everySeconds: wanted a number >= 0, got ${everySeconds}`);
  }
  checkKeepable(model, noise);
  checkOptimizer(changing.run.optimizer);
  let last = performance.now();
  return {
    isDue: () => performance.now() - last >= everySeconds * 1000,
    save: async (position) => {
      await position.meter.read();
      await store.save(encodeCheckpoint({ about, state: stateOf(changing, position) }));
      last = performance.now();
    },
    load: async (position) => {
      const bytes = await store.load();
      if (bytes === undefined) return;
      const stored = decodeCheckpoint(bytes);
      checkSame(stored.about, about);
      restore(changing, position, stored.state);
    },
  };
}

function checkKeepable(model: LayersModel, { unseeded }: Noise): void {
  if (unseeded.length > 0) {
    throw new RangeError(`checkpoint: wanted layers that can be seeded, got ${unseeded.join(", ")}`);
  }
  const stateful = model.layers.find((layer) => layer.stateful);
  if (stateful) throw new RangeError(`checkpoint: wanted layers without state, got ${stateful.name}`);
}

function checkSame(stored: Readonly<Record<string, string>>, own: Readonly<Record<string, string>>): void {
  const names = [...new Set([...Object.keys(own), ...Object.keys(stored)])];
  const differing = names.filter((name) => stored[name] !== own[name]);
  if (differing.length === 0) return;
  const list = differing.map((name) => `${name} (there ${stored[name]}, here ${own[name]})`);
  throw new RangeError(`checkpoint: wanted one of this very run, it differs in ${list.join(", ")}`);
}

function stateOf({ run, weights, ofTerms }: Changing, position: Position): SavedState {
  const { epoch, from, order, meter } = position;
  return joinStates({
    run: { numbers: { epoch, from, seconds: run.clock.seconds() }, arrays: { order, sums: meter.sums() } },
    figures: figuresState(position.figures, run.terms),
    random: saveStreams(position.streams),
    weights: saveVariables(weights),
    terms: saveVariables(ofTerms),
    optimizer: saveOptimizer(run.optimizer),
    stopper: run.stopper?.state() ?? {},
    ...partStates(run.parts),
  });
}

function restore(
  { run, weights, ofTerms, variables }: Changing,
  position: Position,
  state: SavedState,
): void {
  const own = splitState(state, "run");
  const { order } = position;
  position.epoch = countIn(own, "epoch", run.epochs);
  position.from = countIn(own, "from", order.length - 1);
  order.set(arrayIn(own, "order", Int32Array, order.length));
  position.meter = createMeter(run.terms, arrayIn(own, "sums", Float64Array, sumsOf(run.terms)));
  position.figures.push(...figuresIn(splitState(state, "figures"), position.epoch, run));
  restoreStreams(position.streams, splitState(state, "random"));
  restoreVariables(weights, splitState(state, "weights"), "weights");
  restoreVariables(ofTerms, splitState(state, "terms"), "variables of terms");
  restoreOptimizer(run.optimizer, variables, splitState(state, "optimizer"));
  run.stopper?.restore(splitState(state, "stopper"));
  restoreParts(run.parts, state);
  run.clock.goOn(numberIn(own, "seconds"));
}

/** A column for each number, NaN where an epoch has none. */
function figuresState(figures: readonly EpochFigures[], terms: readonly string[]): SavedState {
  const column = (number: (epoch: EpochFigures) => number | undefined) =>
    Float64Array.from(figures, (epoch) => number(epoch) ?? Number.NaN);
  return {
    arrays: {
      loss: column(({ loss }) => loss),
      accuracy: column(({ accuracy }) => accuracy),
      validationLoss: column(({ validation }) => validation?.loss),
      validationAccuracy: column(({ validation }) => validation?.accuracy),
      ...Object.fromEntries(terms.map((name, i) => [`term ${i}`, column((epoch) => epoch.terms?.[name])])),
    },
  };
}

function figuresIn(state: SavedState, epochs: number, { terms, validate }: Run): EpochFigures[] {
  const column = (name: string) => arrayIn(state, name, Float64Array, epochs);
  const share = (value: number) => (Number.isNaN(value) ? {} : { accuracy: value });
  const ofTerms = terms.map((name, i) => [name, column(`term ${i}`)] as const);
  return Array.from(column("loss"), (loss, epoch) => ({
    loss,
    ...share(column("accuracy")[epoch]),
    ...(terms.length > 0 && {
      terms: Object.fromEntries(ofTerms.map(([name, values]) => [name, values[epoch]])),
    }),
    ...(validate && {
      validation: {
        loss: column("validationLoss")[epoch],
        ...share(column("validationAccuracy")[epoch]),
      },
    }),
  }));
}

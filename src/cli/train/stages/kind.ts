/** What a kind of stage is: ONE file that says what a recipe may ask of it and what becomes of that. */

import type * as PareTfjs from "../../../tfjs.js";
import type { Tfjs } from "../../peer.js";
import type { Check } from "../../strict.js";

export interface StageKind<Settings> {
  /** Of what a recipe says. */
  readonly check: Check;
  /** Whether a recipe without a teacher has no such stage. */
  readonly needsTeacher?: boolean;
  /** The model that it leaves is another: what stages before did to the weights is not asked of those after. */
  readonly startsAnew?: boolean;
  /** Shape of what the model that it trains and leaves gives out for a sample; as before it unless given. */
  outputs?(settings: Settings): readonly number[];
  /** What `fineTune` is told. */
  options?(settings: Settings, pare: typeof PareTfjs, steps: StepCount): Shaping;
  /** The same in the stages after it, so that what it did to the weights lasts; nothing unless given. */
  hold?(settings: Settings): Shaping;
  /** In place of `fineTune`. */
  train?(run: StageRun, settings: Settings): Promise<StageResult>;
}

/** Options of `fineTune` that change what weights there are or what steps see of them. */
export type Shaping = Pick<PareTfjs.FineTuneOptions, "prune" | "cluster" | "quantize">;

/** Steps of a stage; shares of it become steps so. */
export interface StepCount {
  readonly all: number;
  /** @param share in [0, 1] */
  at(share: number): number;
}

/** What a stage works on. */
export interface StageRun {
  readonly tf: typeof Tfjs;
  readonly pare: typeof PareTfjs;
  readonly model: Tfjs.LayersModel;
  readonly data: PareTfjs.TrainingData;
  readonly options: PareTfjs.FineTuneOptions;
  readonly teachers: readonly Tfjs.LayersModel[];
  /** Where a run that a stage consists of keeps its checkpoint; `options` has one already. */
  checkpointOf(run: string): PareTfjs.CheckpointOptions;
}

export type StageResult = Pick<
  PareTfjs.FineTuneResult,
  "steps" | "epochs" | "sparsity" | "pruned" | "ranges" | "seconds"
> & {
  /** In place of the one it was given, which stays its owner's. */
  readonly model?: Tfjs.LayersModel;
};

/** { "kind": "transfer", "classes": 5, "phases": [{ "epochs": 10 }] }: a new head on what the model has learned. */

import type * as PareTfjs from "../../../tfjs.js";
import {
  count,
  either,
  isNumber,
  listOf,
  notNegative,
  object,
  oneOf,
  positiveShare,
  sparsity,
  text,
  wanted,
  yesOrNo,
} from "../../strict.js";
import { rateOf, rhythmFields, type StageSettings, stoppingOf } from "../settings.js";
import type { StageKind, StageRun } from "./kind.js";

export interface TransferSettings extends Pick<PareTfjs.HeadOptions, "units" | "dropout" | "positions"> {
  readonly classes: number;
  /** Whose output the head gets; the model's own unless given. */
  readonly layer?: string;
  readonly cacheBytes?: number;
  readonly phases: readonly PhaseSettings[];
}

type PhaseSettings = Pick<PareTfjs.TransferPhase, "epochs" | "baseRate"> &
  Pick<StageSettings, "learningRate" | "patience" | "minimumGain"> & {
    readonly unfreeze?: number | readonly string[];
  };

const phase = object(
  { epochs: count },
  {
    ...rhythmFields,
    unfreeze: either("number", count, listOf(text)),
    baseRate: positiveShare,
  },
);

export const transfer: StageKind<TransferSettings> = {
  check: object(
    {
      kind: text,
      classes: wanted("an integer of at least 2", (v) => isNumber(v) && Number.isInteger(v) && v >= 2, {
        type: "integer",
        minimum: 2,
      }),
      phases: listOf(phase),
    },
    {
      batchSize: count,
      augment: yesOrNo,
      layer: text,
      units: count,
      dropout: sparsity,
      positions: oneOf("average", "flatten"),
      cacheBytes: notNegative,
    },
  ),
  startsAnew: true,
  outputs: ({ classes }) => [classes],
  async train(run, settings) {
    const { pare, model: base, data, options } = run;
    const { batchSize, loss, augment, validation, seed = 0, signal } = options;
    const { classes, layer, cacheBytes } = settings;
    const onProgress = progressOf(run, settings.phases);
    const { model, phases } = await pare.transfer({
      base,
      data,
      classes,
      head: { ...headOf(settings), seed },
      seed,
      phases: settings.phases.map((one) => phaseOf(one, pare)),
      checkpoint: (number) => run.checkpointOf(`phase-${number}`),
      ...(layer !== undefined && { layer }),
      ...(cacheBytes !== undefined && { cacheBytes }),
      ...(batchSize !== undefined && { batchSize }),
      ...(loss !== undefined && { loss }),
      ...(augment && { augment }),
      ...(validation && { validation }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
    const sum = (of: "steps" | "seconds") => phases.reduce((total, result) => total + result[of], 0);
    return {
      model,
      steps: sum("steps"),
      epochs: phases.flatMap(({ epochs }) => epochs),
      sparsity: 0,
      seconds: sum("seconds"),
    };
  },
};

/** Of all that a stage says, what is of its head. */
function headOf({ units, dropout, positions }: TransferSettings): PareTfjs.HeadOptions {
  return {
    ...(units !== undefined && { units }),
    ...(dropout !== undefined && { dropout }),
    ...(positions !== undefined && { positions }),
  };
}

function phaseOf(settings: PhaseSettings, pare: typeof PareTfjs): PareTfjs.TransferPhase {
  const { epochs, baseRate } = settings;
  return {
    epochs,
    ...(baseRate !== undefined && { baseRate }),
    ...(settings.unfreeze !== undefined && { unfreeze: settings.unfreeze }),
    ...rateOf(settings, pare),
    ...stoppingOf(settings),
  };
}

/** The steps of all phases as those of one run, a step taken to cost the same in each. */
function progressOf(
  { options }: StageRun,
  phases: readonly PhaseSettings[],
): PareTfjs.TransferOptions["onProgress"] {
  const { onProgress } = options;
  if (!onProgress) return undefined;
  const epochsOf = (some: readonly PhaseSettings[]) => some.reduce((total, { epochs }) => total + epochs, 0);
  return ({ phase: number, ...now }) => {
    const perEpoch = now.steps / phases[number - 1].epochs;
    const step = epochsOf(phases.slice(0, number - 1)) * perEpoch + now.step;
    const steps = epochsOf(phases) * perEpoch;
    const left = now.steps - now.step;
    onProgress({
      ...now,
      step,
      steps,
      secondsLeft: left > 0 ? (now.secondsLeft * (steps - step)) / left : 0,
    });
  };
}

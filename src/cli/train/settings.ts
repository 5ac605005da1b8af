/** What every stage may say: how long and how fast it learns. */

import type * as PareTfjs from "../../tfjs.js";
import type { Tfjs } from "../peer.js";
import {
  type Check,
  count,
  either,
  type Fields,
  listOf,
  notNegative,
  object,
  oneOf,
  positive,
  share,
  text,
  variants,
  yesOrNo,
} from "../strict.js";

export interface StageSettings {
  /** A key of `stageKinds`, which has settings of its own beside these. */
  readonly kind: string;
  /** A transfer has those of its phases. */
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number | RateSettings;
  readonly optimizer?: keyof typeof optimizers;
  /** Epochs without a gain on the validation data after which the stage ends, with the best of them. */
  readonly patience?: number;
  /** By which the loss must fall to be a gain. */
  readonly minimumGain?: number;
  /** False leaves the augmentation of the data out. */
  readonly augment?: boolean;
}

type RateSettings =
  | ({ readonly schedule: "cosine" } & PareTfjs.CosineRateOptions)
  | ({ readonly schedule: "steps" } & PareTfjs.StepRateOptions)
  | ({ readonly schedule: "exponential" } & PareTfjs.ExponentialRateOptions);

const schedule = oneOf("cosine", "steps", "exponential");
const rate = variants("schedule", {
  cosine: object({ schedule, from: positive }, { to: positive, warmup: share }),
  steps: object({ schedule, from: positive, at: listOf(share) }, { factor: positive }),
  exponential: object({ schedule, from: positive, to: positive }),
});

// A rate that is given sets theirs before the first step.
const optimizers = {
  adam: (tf: typeof Tfjs) => tf.train.adam(0.001),
  sgd: (tf: typeof Tfjs) => tf.train.sgd(0.01),
  momentum: (tf: typeof Tfjs) => tf.train.momentum(0.01, 0.9),
  rmsprop: (tf: typeof Tfjs) => tf.train.rmsprop(0.001),
} as const;

/** Those that a phase of a transfer has too. */
export const rhythmFields: Fields = {
  learningRate: either("number", positive, rate),
  patience: count,
  minimumGain: notNegative,
};

/** @param own settings of a kind, none of which must be there */
export function stageCheck(own: Fields): Check {
  const optional = { batchSize: count, optimizer: oneOf(...Object.keys(optimizers)), augment: yesOrNo };
  return object({ kind: text, epochs: count }, { ...rhythmFields, ...optional, ...own });
}

/** Of all that a stage says, what these fields are of. */
export function ownOf<T extends object>(settings: T, fields: Fields): T {
  const own = Object.entries(settings).filter(([key]) => Object.hasOwn(fields, key));
  return Object.fromEntries(own) as T;
}

export function optimizerOf({ optimizer = "adam" }: StageSettings, tf: typeof Tfjs): Tfjs.Optimizer {
  return optimizers[optimizer](tf);
}

/** Nothing where the optimizer's own rate counts. */
export function rateOf(
  { learningRate }: Pick<StageSettings, "learningRate">,
  pare: typeof PareTfjs,
): Pick<PareTfjs.FineTuneOptions, "learningRate"> {
  if (learningRate === undefined || typeof learningRate === "number") {
    return learningRate === undefined ? {} : { learningRate };
  }
  switch (learningRate.schedule) {
    case "cosine":
      return { learningRate: pare.cosineRate(learningRate) };
    case "steps":
      return { learningRate: pare.stepRate(learningRate) };
    default:
      return { learningRate: pare.exponentialRate(learningRate) };
  }
}

export function stoppingOf({
  patience,
  minimumGain,
}: Pick<StageSettings, "patience" | "minimumGain">): Pick<PareTfjs.FineTuneOptions, "earlyStopping"> {
  if (patience === undefined) return {};
  return { earlyStopping: { patience, ...(minimumGain !== undefined && { minimumGain }) } };
}

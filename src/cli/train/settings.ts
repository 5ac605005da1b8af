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
  wanted,
  yesOrNo,
} from "../strict.js";

export interface StageSettings {
  /** A key of `stageKinds`, which has settings of its own beside these. */
  readonly kind: string;
  /** A transfer has those of its phases. */
  readonly epochs?: number;
  readonly batchSize?: number;
  /** "cosine" alone falls from the optimizer's own rate to 0. */
  readonly learningRate?: number | "cosine" | RateSettings;
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
const rateName = wanted(
  'a number above 0, "cosine" or an object such as { "schedule": "steps", "from": 0.001, "at": [0.5, 0.75] }',
  (name) => name === "cosine",
  { const: "cosine" },
);

/** With the rate that each has where a stage gives none; a rate that is given sets theirs before the first step. */
const optimizers = {
  adam: { usual: 0.001, make: (tf: typeof Tfjs, of: number) => tf.train.adam(of) },
  sgd: { usual: 0.01, make: (tf: typeof Tfjs, of: number) => tf.train.sgd(of) },
  momentum: { usual: 0.01, make: (tf: typeof Tfjs, of: number) => tf.train.momentum(of, 0.9) },
  rmsprop: { usual: 0.001, make: (tf: typeof Tfjs, of: number) => tf.train.rmsprop(of) },
} as const;

/** Those that a phase of a transfer has too. */
export const rhythmFields: Fields = {
  learningRate: either("number", positive, either("string", rateName, rate)),
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
  const { usual, make } = optimizers[optimizer];
  return make(tf, usual);
}

/** Nothing where the optimizer's own rate counts. */
export function rateOf(
  { learningRate, optimizer = "adam" }: Pick<StageSettings, "learningRate" | "optimizer">,
  pare: typeof PareTfjs,
): Pick<PareTfjs.FineTuneOptions, "learningRate"> {
  if (learningRate === undefined || typeof learningRate === "number") {
    return learningRate === undefined ? {} : { learningRate };
  }
  if (learningRate === "cosine") {
    return { learningRate: pare.cosineRate({ from: optimizers[optimizer].usual }) };
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

/** { "kind": "prune", "sparsity": 0.9, "pattern": "1x4" }: zeros grow while it trains. */

import type * as PareTfjs from "../../../tfjs.js";
import { pattern, scope } from "../../recipe.js";
import { count, type Fields, listOf, mapOf, oneOf, share, sparsity, text } from "../../strict.js";
import { ownOf, stageCheck } from "../settings.js";
import type { StageKind } from "./kind.js";

export interface PruneSettings
  extends Omit<PareTfjs.GradualPruneOptions, "schedule" | "begin" | "end" | "include" | "exclude"> {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly schedule?: keyof typeof schedules;
  /** Shares of the stage. */
  readonly begin?: number;
  readonly end?: number;
}

const schedules = {
  polynomial: (pare: typeof PareTfjs) => pare.polynomialDecay(),
  constant: (pare: typeof PareTfjs) => pare.constantSparsity(),
  cosine: (pare: typeof PareTfjs) => pare.cosine(),
} as const;

export const pruneFields: Fields = {
  sparsity,
  scope,
  targets: mapOf(sparsity),
  pattern,
  schedule: oneOf(...Object.keys(schedules)),
  begin: share,
  end: share,
  frequency: count,
  include: listOf(text),
  exclude: listOf(text),
};

export const prune: StageKind<PruneSettings> = {
  check: stageCheck(pruneFields),
  options: ({ schedule, begin, end, ...settings }, pare, steps) => ({
    prune: {
      ...ownOf(settings, pruneFields),
      ...(schedule && { schedule: schedules[schedule](pare) }),
      ...(begin !== undefined && { begin: steps.at(begin) }),
      ...(end !== undefined && { end: steps.at(end) }),
    },
  }),
  // A weight that is 0 when its mask is made stays 0: pruning that asks for no more zeros keeps those there are.
  hold: ({ include, exclude }) => ({
    prune: { sparsity: 0, end: 0, ...(include && { include }), ...(exclude && { exclude }) },
  }),
};

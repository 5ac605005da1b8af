/** { "kind": "distil", "losses": [{ "name": "softTargets" }] }: it learns what the teachers say of the samples. */

import type * as PareTfjs from "../../../tfjs.js";
import {
  type Check,
  integer,
  listOf,
  notNegative,
  object,
  oneOf,
  positive,
  share,
  text,
  variants,
} from "../../strict.js";
import { stageCheck } from "../settings.js";
import type { StageKind } from "./kind.js";
import { heldShaping, type ShapingSettings, shapingFields, shapingOf } from "./shaping.js";

export interface DistilSettings extends ShapingSettings {
  /** Soft targets unless given. */
  readonly losses?: readonly LossSettings[];
  readonly labelWeight?: number;
}

type LossSettings = { readonly name: keyof typeof losses } & Readonly<Record<string, unknown>>;

interface LossKind {
  readonly check: Check;
  make(options: object, pare: typeof PareTfjs): PareTfjs.DistillationLoss;
}

const name = text;
const layers = { teacherLayer: text, studentLayer: text };
const losses: Readonly<Record<"softTargets" | "decoupled" | "hint" | "attention" | "relational", LossKind>> =
  {
    softTargets: {
      check: object({ name }, { temperature: positive, alpha: share, kind: oneOf("softmax", "sigmoid") }),
      make: (options, pare) => pare.softTargets(options),
    },
    decoupled: {
      check: object({ name }, { alpha: notNegative, beta: notNegative, temperature: positive }),
      make: (options, pare) => pare.decoupled(options),
    },
    hint: {
      check: object(
        { name, ...layers },
        { teacher: integer, projector: oneOf("auto", "always", "none"), weight: notNegative, seed: integer },
      ),
      make: (options, pare) => pare.hint(options as PareTfjs.HintOptions),
    },
    attention: {
      check: object({ name, pairs: listOf(object(layers, { teacher: integer })) }, { weight: notNegative }),
      make: (options, pare) => pare.attentionTransfer(options as PareTfjs.AttentionOptions),
    },
    relational: {
      check: object({ name }, { distance: notNegative, angle: notNegative, teacher: integer, ...layers }),
      make: (options, pare) => pare.relational(options),
    },
  };

const loss = variants(
  "name",
  Object.fromEntries(Object.entries(losses).map(([key, { check }]) => [key, check])),
);

export const distil: StageKind<DistilSettings> = {
  check: stageCheck({ losses: listOf(loss), labelWeight: notNegative, ...shapingFields }),
  needsTeacher: true,
  options: shapingOf,
  hold: heldShaping,
  train: ({ pare, model, data, options, teachers }, settings) =>
    pare.distill({
      ...options,
      teacher: teachers,
      student: model,
      data,
      ...(settings.losses && {
        losses: settings.losses.map(({ name: key, ...rest }) => losses[key].make(rest, pare)),
      }),
      ...(settings.labelWeight !== undefined && { labelWeight: settings.labelWeight }),
    }),
};

/** { "kind": "quantize" }: steps see weights and values in the codes that the .pare file will have. */

import type * as PareTfjs from "../../../tfjs.js";
import { rangeFields } from "../../recipe.js";
import { count, type Fields, oneOf, positive, share, sparsity } from "../../strict.js";
import { ownOf, stageCheck } from "../settings.js";
import type { StageKind } from "./kind.js";

export interface QuantizeSettings extends Omit<PareTfjs.QuantizeTrainingOptions, "delay" | "freeze"> {
  /** Shares of the stage. */
  readonly delay?: number;
  readonly freeze?: number;
}

export const quantizeFields: Fields = {
  ranges: oneOf("observed", "learned"),
  ...rangeFields,
  samples: count,
  delay: share,
  freeze: share,
  decay: sparsity,
  rangeRate: positive,
};

export const quantize: StageKind<QuantizeSettings> = {
  check: stageCheck(quantizeFields),
  options: ({ delay, freeze, ...settings }, _, steps) => ({
    quantize: {
      ...ownOf(settings, quantizeFields),
      ...(delay !== undefined && { delay: steps.at(delay) }),
      ...(freeze !== undefined && { freeze: steps.at(freeze) }),
    },
  }),
  hold: ({ delay: _, freeze: __, ...settings }) => ({ quantize: ownOf(settings, quantizeFields) }),
};

/** Pruning, clustering and quantization as parts of a stage of another kind: all at once. */

import type * as PareTfjs from "../../../tfjs.js";
import { type Fields, object } from "../../strict.js";
import { type ClusterSettings, cluster, clusterFields } from "./cluster.js";
import type { Shaping, StepCount } from "./kind.js";
import { type PruneSettings, prune, pruneFields } from "./prune.js";
import { type QuantizeSettings, quantize, quantizeFields } from "./quantize.js";

export interface ShapingSettings {
  readonly prune?: PruneSettings;
  readonly cluster?: ClusterSettings;
  readonly quantize?: QuantizeSettings;
}

export const shapingFields: Fields = {
  prune: object({}, pruneFields),
  cluster: object({}, clusterFields),
  quantize: object({}, quantizeFields),
};

export function shapingOf(settings: ShapingSettings, pare: typeof PareTfjs, steps: StepCount): Shaping {
  return {
    ...(settings.prune && prune.options?.(settings.prune, pare, steps)),
    ...(settings.cluster && cluster.options?.(settings.cluster, pare, steps)),
    ...(settings.quantize && quantize.options?.(settings.quantize, pare, steps)),
  };
}

export function heldShaping(settings: ShapingSettings): Shaping {
  return {
    ...(settings.prune && prune.hold?.(settings.prune)),
    ...(settings.cluster && cluster.hold?.(settings.cluster)),
    ...(settings.quantize && quantize.hold?.(settings.quantize)),
  };
}

/** Every kind of stage there is: a new one is a file here and a row below. */

import { cluster } from "./cluster.js";
import { distil } from "./distil.js";
import type { StageKind } from "./kind.js";
import { prune } from "./prune.js";
import { quantize } from "./quantize.js";
import { train } from "./train.js";

export type { Shaping, StageKind, StageResult, StageRun, StepCount } from "./kind.js";

export const stageKinds: Readonly<Record<string, StageKind<object>>> = {
  train,
  distil,
  prune,
  quantize,
  cluster,
};

/** Layers that stages train in f32, which the file is to keep so; undefined where no stage trains for int8. */
export function keptFloat(stages: readonly { readonly kind: string }[]): readonly string[] | undefined {
  const held = stages.map((stage) => stageKinds[stage.kind].hold?.(stage).quantize);
  const last = held.findLast((quantize) => quantize !== undefined);
  return typeof last === "object" ? last.keepF32 : undefined;
}

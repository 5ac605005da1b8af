/** Every kind of stage there is: a new one is a file here and a row below. */

import { cluster } from "./cluster.js";
import { distil } from "./distil.js";
import type { Shaping, StageKind } from "./kind.js";
import { prune } from "./prune.js";
import { quantize } from "./quantize.js";
import { train } from "./train.js";
import { transfer } from "./transfer.js";

export type { StageKind, StageResult, StageRun, StepCount } from "./kind.js";

export const stageKinds: Readonly<Record<string, StageKind<object>>> = {
  train,
  distil,
  prune,
  quantize,
  cluster,
  transfer,
};

/** What stages ask of one after them: of two that ask for the same kind of thing, the later. */
export function heldBy(stages: readonly { readonly kind: string }[]): Shaping {
  const anew = stages.findLastIndex(({ kind }) => stageKinds[kind].startsAnew);
  return Object.assign({}, ...stages.slice(anew + 1).map((stage) => stageKinds[stage.kind].hold?.(stage)));
}

/** For each stage the shape of what its model gives out for a sample: the last is what a recipe ends in. */
export function outputsOf(
  stages: readonly { readonly kind: string }[],
  start: readonly number[],
): readonly (readonly number[])[] {
  const shapes = [start];
  for (const stage of stages)
    shapes.push(stageKinds[stage.kind].outputs?.(stage) ?? shapes[shapes.length - 1]);
  return shapes.slice(1);
}

/** What a loss of distillation is: a term of the training loop that knows the teachers as well. */

import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { LossTerm } from "../step.js";
import type { Head, Kind } from "./head.js";
import type { TeacherLayer, Teachers } from "./teachers.js";

/** Who takes part in a run. */
export interface Pair {
  readonly teachers: Teachers;
  readonly student: LayersModel;
  /** Of the student, caught in every pass of training. */
  readonly head: Head;
}

/** One loss of `distill`, as its functions make them. */
export interface DistillationLoss {
  readonly name: string;
  /** Factor that it leaves to the loss of the labels; 1 unless given. */
  readonly labelWeight?: number;
  /** Layers of teachers that it reads, beside their logits. */
  readonly teacherLayers?: readonly TeacherLayer[];
  /** @throws RangeError where it does not fit the pair */
  term(pair: Pair): LossTerm;
}

/**
 * Softmax or sigmoid: what was asked for, or else what both models end in.
 *
 * @throws RangeError where the models end in neither and nothing was asked, or in something else
 */
export function kindOf({ teachers, head }: Pair, asked: Kind | undefined): Kind {
  const kind = asked ?? head.kind ?? teachers.kind;
  if (kind !== "softmax" && kind !== "sigmoid") {
    throw new RangeError(
      `kind: wanted softmax or sigmoid, or models that end in one of them, got ${kind ?? "neither"}`,
    );
  }
  for (const [name, own] of [
    ["teacher", teachers.kind],
    ["student", head.kind],
  ]) {
    if (own && own !== kind) throw new RangeError(`kind: wanted ${own} as the ${name} ends in, got ${kind}`);
  }
  return kind;
}

/** @throws TypeError, RangeError for what is no finite number in [least, most], or no more than `above` */
export function checkNumber(
  name: string,
  value: number,
  { above, least, most }: { readonly above?: number; readonly least?: number; readonly most?: number },
): number {
  if (typeof value !== "number") throw new TypeError(`${name}: wanted a number, got ${typeof value}`);
  const fits =
    Number.isFinite(value) &&
    (above === undefined || value > above) &&
    (least === undefined || value >= least) &&
    (most === undefined || value <= most);
  if (fits) return value;
  const range =
    most !== undefined ? ` in [${least}, ${most}]` : above !== undefined ? ` > ${above}` : ` >= ${least}`;
  throw new RangeError(`${name}: wanted a finite number${range}, got ${value}`);
}

/** Trains a student to do what its teachers do. */

import type { LayersModel } from "@tensorflow/tfjs-layers";
import { fineTune } from "../fine-tune.js";
import type { FineTuneOptions, FineTuneResult } from "../options.js";
import { countSamples, numbersOf, sampleShape, type TrainingData } from "../samples.js";
import type { StepPart } from "../step.js";
import { checkModel } from "../weights.js";
import { freeModel } from "./config.js";
import { openHead } from "./head.js";
import { checkNumber, type DistillationLoss, type Pair } from "./loss.js";
import { rememberAll } from "./memory.js";
import { softTargets } from "./soft-targets.js";
import {
  checkShapes,
  openTeachers,
  type TeacherChoice,
  type TeacherLayer,
  type Teachers,
} from "./teachers.js";
import { type ThinnerOptions, thinnerCopy } from "./thinner.js";

/** All that `fineTune` takes, and: */
export interface DistillOptions extends FineTuneOptions {
  /** One model or several, which stay as they are. Several count by the weighted mean of their probabilities. */
  readonly teacher: TeacherChoice;
  /** A model with the teacher's input and output sizes; or how to make a thinner copy of the first teacher. */
  readonly student: LayersModel | ThinnerOptions;
  /** Samples for both; labels of -1, or no y at all, where there are none. */
  readonly data: TrainingData;
  /** What the student learns of the teachers; `[softTargets()]` unless given. */
  readonly losses?: readonly DistillationLoss[];
  /** Factor of the loss of the labels; what `losses` leave to it unless given, and 0 without y. */
  readonly labelWeight?: number;
  /** Bytes that what the teachers say may take, >= 0; 512 MiB unless given. */
  readonly cacheBytes?: number;
}

export interface DistillResult extends FineTuneResult {
  /** The model that was given, or the copy that was made; its caller disposes it. */
  readonly student: LayersModel;
  /** Bytes of what the teachers said; 0 where they ran again for each batch. */
  readonly cachedBytes: number;
}

const MEBIBYTE = 2 ** 20;

/**
 * Trains a student on what teachers say of the samples, and on labels where there are some.
 *
 * The teachers run once over all samples and are remembered. They run again for each batch where that would take
 * more than `cacheBytes`, or where the run augments: they are then asked about the very pictures the student gets.
 *
 * @param options teachers, student, data, losses, and the options of `fineTune`
 * @returns what `fineTune` returns, and the student
 * @throws TypeError, RangeError for models, data or options that do not fit
 * @throws the signal's reason when it fires
 */
export async function distill(options: DistillOptions): Promise<DistillResult> {
  const { teacher, student: asked, data, losses = [softTargets()], cacheBytes, ...rest } = options;
  let teachers: Teachers | undefined;
  let made: LayersModel | undefined;
  let begun = false;
  try {
    const limit = checkNumber("cacheBytes", cacheBytes ?? 512 * MEBIBYTE, { least: 0 });
    if (losses.length === 0) throw new RangeError("losses: wanted one or more, got none");
    const other: unknown = losses.find((loss) => typeof loss?.term !== "function");
    if (other !== undefined) {
      throw new TypeError(`losses: wanted softTargets() and its like, got ${JSON.stringify(other)}`);
    }
    teachers = openTeachers(teacher, layersOf(losses));
    if ("width" in asked) made = thinnerCopy(teachers.models[0], asked);
    const student = made ?? (asked as LayersModel);
    checkPair(teachers, student);
    const plan = planTraining({ teachers, student, head: openHead(student) }, data, losses, rest);
    const cachedBytes = options.augment ? 0 : await remember(teachers, data, limit, options.signal);
    begun = true;
    const result = await plan();
    return { ...result, student, cachedBytes };
  } catch (error) {
    if (made) freeModel(made);
    throw error;
  } finally {
    teachers?.dispose();
    // The loop frees what takes part in it, whatever happened: so does a run that does not come as far.
    if (!begun) for (const held of [...(options.parts ?? []), ...(options.terms ?? [])]) held.dispose?.();
  }
}

/** Each once, whoever reads it. */
function layersOf(losses: readonly DistillationLoss[]): TeacherLayer[] {
  const all = losses.flatMap(({ teacherLayers = [] }) => teacherLayers);
  const keyOf = ({ layer, teacher = 0 }: TeacherLayer) => `${teacher} ${layer}`;
  return [...new Map(all.map((layer) => [keyOf(layer), layer])).values()];
}

function checkPair({ models }: Teachers, student: LayersModel): void {
  checkModel(student);
  if (models.includes(student)) throw new RangeError("student: wanted another model than the teacher");
  checkShapes(models[0], student, "student");
}

function remember(
  teachers: Teachers,
  { x }: TrainingData,
  limit: number,
  signal?: AbortSignal,
): Promise<number> {
  const shape = sampleShape(teachers.models[0].inputs, "input");
  const numbers = numbersOf(x, "x");
  countSamples("x", numbers.length, shape);
  return rememberAll(teachers, numbers, shape, { limit, ...(signal && { signal }) });
}

/** Checks the losses against the pair before the teachers are set to work. */
function planTraining(
  pair: Pair,
  data: TrainingData,
  losses: readonly DistillationLoss[],
  options: FineTuneOptions,
): () => Promise<FineTuneResult> {
  const { teachers, student, head } = pair;
  const terms = losses.map((loss) => loss.term(pair));
  // Innermost: what it catches is what the activation gets, whatever the other parts do to the pass.
  const watching: StepPart = { name: "logits", around: head.during, dispose: head.dispose };
  const left = losses.reduce((factor, { labelWeight = 1 }) => factor * labelWeight, 1);
  // A copy is not compiled, but the teacher may be.
  const loss = options.loss ?? (student.loss === undefined ? lossOf(teachers) : undefined);
  const labelWeight = options.labelWeight ?? (data.y === undefined ? 0 : left);
  const named: unknown = loss ?? student.loss;
  if (labelWeight > 0 && head.kind === undefined && /entropy$/i.test(String(named))) {
    throw new RangeError(
      `student: wanted softmax or sigmoid at its end, of whose probabilities ${named} is, got logits: add a ` +
        "Softmax layer, or set labelWeight to 0",
    );
  }
  return () =>
    fineTune(student, data, {
      ...options,
      ...(loss !== undefined && { loss }),
      labelWeight,
      parts: [...(options.parts ?? []), watching],
      terms: [...terms, ...(options.terms ?? [])],
    });
}

function lossOf({ models }: Teachers): FineTuneOptions["loss"] {
  const { loss } = models[0];
  return typeof loss === "string" ? (loss as FineTuneOptions["loss"]) : undefined;
}

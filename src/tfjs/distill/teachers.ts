/** Teachers of a run: what they give out for a batch, computed as it comes or remembered. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { StepBatch } from "../step.js";
import { checkModel } from "../weights.js";
import { soften } from "./divergence.js";
import { type Kind, openHead } from "./head.js";
import { findLayer, layerShape, watchOutput } from "./watch.js";

/** One of several teachers. */
export interface WeightedTeacher {
  readonly model: LayersModel;
  /** Of its probabilities in the mean, > 0; all weights are divided by their sum. 1 unless given. */
  readonly weight?: number;
}

export type TeacherChoice = LayersModel | readonly (LayersModel | WeightedTeacher)[];

/** A layer of a teacher. */
export interface TeacherLayer {
  readonly layer: string;
  /** Which of the teachers, counted from 0; the first unless given. */
  readonly teacher?: number;
}

/** Values of a batch, all that the losses of a run read: f32[samples, ...sizes] each. */
export type Values = readonly tf.Tensor[];

export interface Teachers {
  readonly models: readonly LayersModel[];
  /** What all of them end in; undefined where that is no softmax and no sigmoid. */
  readonly kind: Kind | undefined;
  /** Runs the teachers; the caller disposes what it gets. */
  run(x: tf.Tensor): Values;
  /** Answers later batches by the numbers of their samples. */
  remember(source: (indices: Int32Array) => Values): void;
  /** Logits of the mean of the teachers' probabilities at a temperature. The caller disposes it. */
  softened(kind: Kind, batch: StepBatch, temperature: number): tf.Tensor;
  /** What a layer gives out; it stays the teachers'. */
  layer(of: TeacherLayer, batch: StepBatch): tf.Tensor;
  /** Sizes of it, for one sample. */
  layerShape(of: TeacherLayer): readonly number[];
  dispose(): void;
}

/**
 * Prepares the teachers of a run.
 *
 * @param choice one model, or several of one input and one output shape
 * @param layers whose outputs are read, beside the logits
 * @throws TypeError where one is no LayersModel
 * @throws RangeError for no teachers, weights out of range, shapes at odds, or a layer that is not there
 */
export function openTeachers(choice: TeacherChoice, layers: readonly TeacherLayer[]): Teachers {
  const { models, weights } = readChoice(choice);
  const heads = models.map(openHead);
  const kinds = new Set(heads.map(({ kind }) => kind));
  if (kinds.size > 1)
    throw new RangeError(`teacher: wanted one last activation, got ${[...kinds].join(", ")}`);
  const watched = layers.map((of) => {
    const { teacher = 0 } = of;
    const model = models[teacher];
    if (!model) throw new RangeError(`teacher: wanted an integer in [0, ${models.length}), got ${teacher}`);
    const layer = findLayer(model, of.layer, "teacherLayer");
    return { teacher, name: of.layer, shape: layerShape(layer, "teacherLayer"), watch: watchOutput(layer) };
  });
  let source: ((indices: Int32Array) => Values) | undefined;
  let seen: { readonly x: tf.Tensor; readonly values: Values } | undefined;

  function runOne(model: LayersModel, at: number, x: tf.Tensor): Values {
    const own = watched.filter(({ teacher }) => teacher === at);
    const pass = () => heads[at].during(() => model.apply(x, { training: false }) as tf.Tensor);
    const output = own.reduce(
      (inner: () => tf.Tensor, { watch }) =>
        () =>
          watch.during(inner),
      pass,
    )();
    return [heads[at].logits(output), ...own.map(({ watch }) => watch.value() as tf.Tensor)];
  }

  /** Logits of all teachers, and then the layers, in the order in which they were asked for. */
  function run(x: tf.Tensor): Values {
    return tf.tidy(() => {
      const all = models.map((model, at) => runOne(model, at, x));
      const next = models.map(() => 1);
      const layerValues = watched.map(({ teacher }) => all[teacher][next[teacher]++]);
      // Clones: what was caught stays with who caught it.
      return [...all.map(([logits]) => logits), ...layerValues].map((value) => tf.clone(value));
    });
  }

  function forget(): void {
    for (const value of seen?.values ?? []) value.dispose();
    seen = undefined;
  }

  /** Once a batch, whoever asks: several losses read the same pass. */
  function valuesOf({ x, indices }: StepBatch): Values {
    if (seen?.x !== x) {
      forget();
      // Here it may be part of a pass whose gradient is asked: no variable of the student's leads to it, so
      // nothing of it is gone through backwards.
      seen = { x, values: (source ? source(indices) : run(x)).map((value) => tf.keep(value)) };
    }
    return seen.values;
  }

  const placeOf = ({ layer, teacher = 0 }: TeacherLayer) =>
    watched.findIndex((one) => one.name === layer && one.teacher === teacher);

  return {
    models,
    kind: heads[0].kind,
    run,
    remember: (found) => {
      source = found;
    },
    softened: (kind, batch, temperature) =>
      tf.tidy(() => soften(kind, valuesOf(batch).slice(0, models.length), weights, temperature)),
    layer: (of, batch) => valuesOf(batch)[models.length + placeOf(of)],
    layerShape: (of) => watched[placeOf(of)].shape,
    dispose: () => {
      forget();
      for (const head of heads) head.dispose();
      for (const { watch } of watched) watch.dispose();
    },
  };
}

function readChoice(choice: TeacherChoice) {
  const list = Array.isArray(choice) ? choice : [choice];
  const entries: WeightedTeacher[] = list.map((entry) =>
    "model" in Object(entry) && !("layers" in entry) ? entry : { model: entry },
  );
  if (entries.length === 0) throw new RangeError("teacher: wanted one or more, got none");
  const models = entries.map(({ model }) => model);
  for (const model of models) checkModel(model, "teacher");
  const weights = entries.map(({ weight = 1 }) => weight);
  for (const weight of weights) {
    if (!(weight > 0 && Number.isFinite(weight)))
      throw new RangeError(`weight: wanted a finite number > 0, got ${weight}`);
  }
  for (const model of models) checkShapes(models[0], model, "teacher");
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return { models, weights: weights.map((weight) => weight / total) };
}

/** @throws RangeError where two models do not take and give samples of the same sizes */
export function checkShapes(first: LayersModel, other: LayersModel, what: string): void {
  for (const side of ["inputs", "outputs"] as const) {
    const [wanted, got] = [first, other].map((model) =>
      model[side].map(({ shape }) => `[${shape.slice(1)}]`).join(", "),
    );
    if (wanted !== got)
      throw new RangeError(`${what}: wanted ${side} of ${wanted} as the first teacher has, got ${got}`);
  }
}

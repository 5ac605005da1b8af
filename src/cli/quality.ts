/** How good predictions are: accuracy of a classifier, errors of a regression. */

import type { NdArray, NumberArray } from "../data/index.js";
import { formatNumber, formatPercent } from "./format.js";
import { wantFinite } from "./samples.js";

export type Task = "classification" | "regression";

export type Quality =
  | { readonly task: "classification"; readonly samples: number; readonly accuracy: number }
  | {
      readonly task: "regression";
      readonly samples: number;
      /** Root of the mean squared error. */
      readonly rms: number;
      /** Mean absolute error. */
      readonly mae: number;
      /** rms / root of the mean squared label. */
      readonly relativeRms: number;
    };

/**
 * Measures predictions against labels.
 *
 * @param predictions f32[count, ...shape]
 * @param shape of one prediction; its last axis are the classes of a classifier
 * @param labels a class number or a one-hot row for each prediction, or numbers of the predictions' shape
 * @param task by default what the labels look like
 * @throws RangeError where the labels do not belong to the predictions
 */
export function measureQuality(
  predictions: Float32Array,
  shape: readonly number[],
  labels: NdArray,
  task?: Task,
): Quality {
  const classes = shape.at(-1) ?? 1;
  wantFinite(labels.data, "labels");
  const samples = predictions.length / shape.reduce((product, dim) => product * dim, 1);
  const classNumbers = classesOf(labels.data, predictions, classes);
  if (task !== "regression" && classNumbers) {
    return { task: "classification", samples, accuracy: accuracy(predictions, classNumbers, classes) };
  }
  if (task !== "classification" && labels.data.length === predictions.length) {
    return { task: "regression", samples, ...errors(predictions, labels.data) };
  }
  throw new RangeError(
    `labels: wanted ${samples} class numbers below ${classes}, one-hot rows or [${samples}, ${shape.join(", ")}] ` +
      `numbers${task ? ` for ${task}` : ""}, got [${labels.shape.join(", ")}] such as ${oddLabel(labels.data, classes)}`,
  );
}

/** A label that is no class, if there is one. */
function oddLabel(labels: NumberArray, classes: number): number {
  const isClass = (label: number) => Number.isInteger(label) && label >= 0 && label < classes;
  return labels.find((label) => !isClass(label)) ?? labels[0];
}

/** The class of each prediction that the labels name; undefined where they are no classes. */
function classesOf(labels: NumberArray, predictions: Float32Array, classes: number): NumberArray | undefined {
  const rows = predictions.length / classes;
  if (classes === 1) {
    // One number in [0, 1] is the probability of class 1.
    const isBinary = labels.length === rows && labels.every((label) => label === 0 || label === 1);
    return isBinary && predictions.every((value) => value >= 0 && value <= 1) ? labels : undefined;
  }
  if (labels.length === rows) {
    return labels.every((label) => Number.isInteger(label) && label >= 0 && label < classes)
      ? labels
      : undefined;
  }
  return labels.length === predictions.length ? fromOneHot(labels, classes) : undefined;
}

function fromOneHot(labels: NumberArray, classes: number): Int32Array | undefined {
  const found = new Int32Array(labels.length / classes).fill(-1);
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    const row = Math.floor(i / classes);
    if (labels[i] !== 1 || found[row] >= 0) return undefined;
    found[row] = i % classes;
  }
  return found.includes(-1) ? undefined : found;
}

function accuracy(predictions: Float32Array, labels: NumberArray, classes: number): number {
  let right = 0;
  for (let row = 0; row < labels.length; row++) {
    const predicted =
      classes === 1 ? Number(predictions[row] >= 0.5) : argmax(predictions, row * classes, classes);
    if (predicted === labels[row]) right++;
  }
  return right / labels.length;
}

/** The first of the largest; -1 where all are NaN. */
export function argmax(values: Float32Array, begin: number, length: number): number {
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) {
    if (values[begin + i] > most || (best < 0 && values[begin + i] === most)) {
      best = i;
      most = values[begin + i];
    }
  }
  return best;
}

function errors(predictions: Float32Array, labels: NumberArray) {
  let squares = 0;
  let absolutes = 0;
  let labelSquares = 0;
  for (let i = 0; i < labels.length; i++) {
    const off = predictions[i] - labels[i];
    squares += off * off;
    absolutes += Math.abs(off);
    labelSquares += labels[i] * labels[i];
  }
  const rms = Math.sqrt(squares / labels.length);
  return { rms, mae: absolutes / labels.length, relativeRms: rms / Math.sqrt(labelSquares / labels.length) };
}

/**
 * What compressing cost: percentage points of accuracy, or percent by which the RMS error has grown.
 * Negative where it got better.
 */
export function dropOf(before: Quality, after: Quality): number {
  if (before.task === "classification" && after.task === "classification") {
    return 100 * (before.accuracy - after.accuracy);
  }
  if (before.task === "regression" && after.task === "regression") {
    return before.rms === after.rms ? 0 : 100 * (after.rms / before.rms - 1);
  }
  throw new RangeError(`quality: wanted the same task before and after, got ${before.task}, ${after.task}`);
}

export function formatQuality(quality: Quality): string {
  return quality.task === "classification"
    ? `accuracy ${formatPercent(quality.accuracy)}`
    : `RMS error ${formatNumber(quality.rms)}, mean absolute error ${formatNumber(quality.mae)}`;
}

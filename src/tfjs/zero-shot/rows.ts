/** What a zero-shot model learns from: features, labels and class attributes, checked and in f64. */

import * as tf from "@tensorflow/tfjs-core";
import { Matrix } from "ml-matrix";
import { kindOf } from "../../graph/index.js";
import { fitScaling, type Scaler, type Scaling } from "./scaling.js";

/** Numbers in rows, each data.length / count numbers long: what `featuresOf` and `predictAll` give. */
export interface Rows {
  /** f32[count, size] */
  readonly data: Float32Array;
  /** An integer >= 1. */
  readonly count: number;
}

/** Samples and their classes. */
export interface LabelledRows {
  /** One row a sample, or a tensor [samples, ...sizes]; finite. */
  readonly features: Rows | tf.Tensor;
  /** One a sample: the number of the class' row in the attributes, an integer in [0, classes). */
  readonly labels: ArrayLike<number>;
}

/** What a model learns from. The classes that have samples here are the seen ones, at least two. */
export interface ZeroShotData extends LabelledRows {
  /** One row a class, seen or not, or a tensor [classes, attributes]; finite. */
  readonly attributes: Rows | tf.Tensor;
  /** Applied one after the other, with the statistics of these samples; none unless given. */
  readonly featureScaling?: Scaling | readonly Scaling[];
  /** The same of attributes, with the statistics of the seen classes, each counted once. */
  readonly attributeScaling?: Scaling | readonly Scaling[];
}

/** Opened data: everything scaled. */
export interface Training {
  /** [samples, features] */
  readonly features: Matrix;
  /** Of each sample: the number of its class in `seen`. */
  readonly places: Int32Array;
  /** Classes that have samples, ascending. */
  readonly seen: readonly number[];
  /** [seen, attributes] */
  readonly seenAttributes: Matrix;
  /** [classes, attributes], as they came. */
  readonly attributes: Matrix;
  readonly scaleFeatures: Scaler;
  readonly scaleAttributes: Scaler;
}

/** @throws TypeError, RangeError for data that does not fit; its message names the part */
export function openTraining(data: ZeroShotData): Training {
  const attributes = matrixOf("attributes", data.attributes);
  const { features, labels } = openLabelled("", data, attributes.rows);
  const seen = classesOf(labels);
  if (seen.length < 2) throw new RangeError(`labels: wanted two classes or more, got ${seen.length}`);
  const seenRows = takeRows(attributes, seen);
  const scaleFeatures = fitScaling("featureScaling", data.featureScaling, features);
  const scaleAttributes = fitScaling("attributeScaling", data.attributeScaling, seenRows);
  return {
    features: scaleFeatures(features),
    places: labels.map((label) => seen.indexOf(label)),
    seen,
    seenAttributes: scaleAttributes(seenRows),
    attributes,
    scaleFeatures,
    scaleAttributes,
  };
}

/**
 * @param prefix put before "features" and "labels" in messages
 * @param classes labels are below it
 */
export function openLabelled(
  prefix: string,
  rows: LabelledRows,
  classes: number,
): { features: Matrix; labels: Int32Array } {
  if (typeof rows !== "object" || rows === null) {
    throw new TypeError(`${prefix || "data."}features: wanted { features, labels }, got ${typeof rows}`);
  }
  const { features, labels } = rows;
  const matrix = matrixOf(`${prefix}features`, features);
  if (labels?.length !== matrix.rows) {
    throw new RangeError(
      `${prefix}labels: wanted ${matrix.rows} as there are samples, got ${labels?.length}`,
    );
  }
  for (let i = 0; i < labels.length; i++) checkClass(`${prefix}labels`, labels[i], classes, ` at ${i}`);
  return { features: matrix, labels: Int32Array.from(labels) };
}

export function checkClass(name: string, value: number, classes: number, where = ""): void {
  if (!(Number.isInteger(value) && value >= 0 && value < classes)) {
    throw new RangeError(`${name}: wanted integers in [0, ${classes}), got ${value}${where}`);
  }
}

export function checkPositive(name: string, value: number): void {
  if (typeof value !== "number") throw new TypeError(`${name}: wanted a number, got ${typeof value}`);
  if (!(value > 0 && Number.isFinite(value))) {
    throw new RangeError(`${name}: wanted a finite number > 0, got ${value}`);
  }
}

/** The classes that occur, ascending. */
export function classesOf(labels: Int32Array): number[] {
  return [...new Set(labels)].sort((a, b) => a - b);
}

/** Rows as f64; every number is checked to be finite, which a closed form would spread everywhere. */
export function matrixOf(name: string, rows: Rows | tf.Tensor): Matrix {
  const { data, count } = plainRows(name, rows);
  const size = data.length / count;
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new RangeError(`${name}: wanted finite numbers, got ${data[bad]} at ${bad}`);
  const matrix = new Matrix(count, size);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < size; k++) matrix.set(i, k, data[i * size + k]);
  }
  return matrix;
}

/** Mean over the columns of their sums of squares: the mean eigenvalue of XᵀX. */
export function meanSquares(x: Matrix): number {
  let sum = 0;
  for (let i = 0; i < x.rows; i++) {
    for (let k = 0; k < x.columns; k++) sum += x.get(i, k) ** 2;
  }
  return sum / x.columns;
}

function plainRows(name: string, rows: Rows | tf.Tensor): Rows {
  const isTensor = rows instanceof tf.Tensor;
  const data: unknown = isTensor ? rows.dataSync() : rows?.data;
  if (!isNumbers(data)) {
    throw new TypeError(`${name}: wanted rows { data: Float32Array, count } or a tensor`);
  }
  const count = isTensor ? (rows.shape[0] ?? 0) : rows.count;
  if (!(Number.isInteger(count) && Number.isInteger(data.length / count) && data.length > 0)) {
    throw new RangeError(`${name}: wanted rows of one size, got ${data.length} numbers in ${count} rows`);
  }
  return { data: data instanceof Float32Array ? data : Float32Array.from(data), count };
}

function isNumbers(data: unknown): data is Float32Array | Int32Array {
  return ["Float32Array", "Int32Array"].includes(kindOf(data));
}

/** A copy of some samples. */
export function takeSamples<T extends LabelledRows>(
  samples: T,
  indices: readonly number[],
): T & LabelledRows & { readonly features: Rows } {
  const { data, count } = plainRows("features", samples.features);
  const size = data.length / count;
  const taken = new Float32Array(indices.length * size);
  for (const [i, index] of indices.entries()) {
    taken.set(data.subarray(index * size, (index + 1) * size), i * size);
  }
  return {
    ...samples,
    features: { data: taken, count: indices.length },
    labels: indices.map((index) => samples.labels[index]),
  };
}

/** A copy of some rows. */
export function takeRows(matrix: Matrix, indices: ArrayLike<number>): Matrix {
  const taken = new Matrix(indices.length, matrix.columns);
  for (let i = 0; i < indices.length; i++) taken.setRow(i, matrix.getRow(indices[i]));
  return taken;
}

/** What all zero-shot methods end in: a matrix between features and attributes, and how it scores. */

import type * as tf from "@tensorflow/tfjs-core";
import type { Matrix } from "ml-matrix";
import { multiply } from "./multiply.js";
import { checkClass, matrixOf, type Rows, type Training, takeRows } from "./rows.js";
import { rowLength } from "./scaling.js";

/**
 * How a sample x and the attributes s of a class are compared through the weights W:
 * - "dot": x W s
 * - "attributeCosine": the cosine between x W and s, both attributes
 * - "featureCosine": the cosine between x and W s, both features
 */
export type Similarity = "dot" | "attributeCosine" | "featureCosine";

export interface Scores {
  /** f64[samples, classes] */
  readonly data: Float64Array;
  readonly shape: readonly [number, number];
}

/** Plain data and functions of it; holds no tensors. */
export interface ZeroShotModel {
  /** f64[features, attributes], between scaled features and scaled attributes. */
  readonly weights: Float64Array;
  readonly shape: readonly [number, number];
  /** Classes it has attributes of, seen or not. */
  readonly classes: number;
  /** Those of them that it was trained on, ascending. */
  readonly seen: readonly number[];
  /**
   * How well each class fits each sample; higher is better.
   *
   * @param features as in training, not yet scaled
   * @param classes the columns, integers in [0, classes); all unless given
   * @throws RangeError for features of another size, or classes that there are not
   */
  scores(features: Rows | tf.Tensor, classes?: ArrayLike<number>): Scores;
  /** The class of the highest score, of equal ones the first in `classes`; otherwise as `scores`. */
  predict(features: Rows | tf.Tensor, classes?: ArrayLike<number>): Int32Array;
  /**
   * The same weights for other classes, none of which was seen.
   *
   * @throws RangeError for attributes of another size
   */
  withClasses(attributes: Rows | tf.Tensor): ZeroShotModel;
}

/**
 * @param training gives the classes and the scaling
 * @param weights [features, attributes]
 * @throws RangeError for a similarity that is none, or weights that are not finite
 */
export function createZeroShotModel(
  training: Training,
  weights: Matrix,
  similarity: Similarity,
): ZeroShotModel {
  checkSimilarity(similarity);
  const numbers = Float64Array.from(weights.to1DArray());
  if (!numbers.every(Number.isFinite)) {
    throw new RangeError("weights: wanted finite numbers, got others: the training or the problem diverged");
  }
  const attributes = training.scaleAttributes(training.attributes);
  const all = Array.from({ length: attributes.rows }, (_, label) => label);

  function scoreMatrix(features: Rows | tf.Tensor, classes: ArrayLike<number>): Matrix {
    for (let k = 0; k < classes.length; k++) checkClass("classes", classes[k], attributes.rows, ` at ${k}`);
    if (classes.length === 0) throw new RangeError("classes: wanted one or more, got none");
    const x = matrixOf("features", features);
    checkColumns("features", x, weights.rows);
    return compare[similarity](training.scaleFeatures(x), weights, takeRows(attributes, classes));
  }

  return {
    weights: numbers,
    shape: [weights.rows, weights.columns],
    classes: attributes.rows,
    seen: training.seen,
    scores(features, classes = all) {
      const scores = scoreMatrix(features, classes);
      return { data: Float64Array.from(scores.to1DArray()), shape: [scores.rows, scores.columns] };
    },
    predict(features, classes = all) {
      const scores = scoreMatrix(features, classes);
      return Int32Array.from({ length: scores.rows }, (_, i) => classes[scores.maxRowIndex(i)[1]]);
    },
    withClasses(other) {
      const matrix = matrixOf("attributes", other);
      checkColumns("attributes", matrix, weights.columns);
      return createZeroShotModel({ ...training, attributes: matrix, seen: [] }, weights, similarity);
    },
  };
}

/** @throws RangeError for a similarity that is none */
export function checkSimilarity(similarity: Similarity): void {
  if (Object.hasOwn(compare, similarity)) return;
  throw new RangeError(`similarity: wanted ${Object.keys(compare).join(", ")}, got ${similarity}`);
}

function checkColumns(name: string, matrix: Matrix, wanted: number): void {
  if (matrix.columns !== wanted) {
    throw new RangeError(`${name}: wanted ${wanted} a row as in training, got ${matrix.columns}`);
  }
}

type Compare = (x: Matrix, weights: Matrix, attributes: Matrix) => Matrix;

/** Scores [samples, classes] of x [samples, features] and attributes [classes, attributes]. */
const compare: Readonly<Record<Similarity, Compare>> = {
  // Classes first: there are fewer of them than of samples.
  dot: (x, weights, attributes) => multiply(x, weights.mmul(attributes.transpose())),
  attributeCosine: (x, weights, attributes) => cosines(multiply(x, weights), attributes),
  featureCosine: (x, weights, attributes) => cosines(x, attributes.mmul(weights.transpose())),
};

/** Between each row of a and each of b; 0 where one of them has no length. */
function cosines(a: Matrix, b: Matrix): Matrix {
  return multiply(unitRows(a), unitRows(b).transpose());
}

/** Each row divided by its length; a row of zeros stays. */
export function unitRows(matrix: Matrix): Matrix {
  const unit = matrix.clone();
  for (let i = 0; i < unit.rows; i++) unit.mulRow(i, 1 / (rowLength(unit, i) || 1));
  return unit;
}

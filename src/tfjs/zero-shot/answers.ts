/** What models that differ in their weights alone say of the same samples: as `predict`, with all shared work shared. */

import type { Matrix } from "ml-matrix";
import { checkSimilarity, type Similarity, unitRows } from "./model.js";
import { multiply } from "./multiply.js";
import { matrixOf, type Rows, type Training, takeRows } from "./rows.js";
import { rowLength } from "./scaling.js";

export interface AnswersOptions {
  readonly training: Training;
  readonly similarity: Similarity;
  /** Orthonormal columns, [attributes, rank], beside which the weights of all models are 0. */
  readonly basis: Matrix;
  /** Samples, as for `predict`. */
  readonly features: Rows;
  readonly classes: readonly number[];
}

/** Weights in the basis, and the samples in the attributes that they give. */
export interface Projected {
  /** [features, rank] */
  readonly weights: Matrix;
  /** [samples, rank] */
  readonly codes: Matrix;
}

export interface Answers {
  /** @param weights W times the basis */
  project(weights: Matrix): Projected;
  /** @param factors of each column of the weights; 1 unless given */
  of(projected: Projected, factors?: readonly number[]): Int32Array;
}

/**
 * Of a sample the best class stays the best where all its scores are divided by a number, so what the cosines divide
 * by is only that of each class.
 */
export function openAnswers({ training, similarity, basis, features, classes }: AnswersOptions): Answers {
  checkSimilarity(similarity);
  const x = training.scaleFeatures(matrixOf("features", features));
  const attributes = training.scaleAttributes(takeRows(training.attributes, classes));
  const compared = similarity === "attributeCosine" ? unitRows(attributes) : attributes;
  const rotated = compared.mmul(basis);
  return {
    project: (weights) => ({ weights, codes: multiply(x, weights) }),
    of({ weights, codes }, factors) {
      const wanted = factors ? rotated.clone().mulRowVector([...factors]) : rotated;
      const scores = multiply(codes, wanted.transpose());
      if (similarity === "featureCosine") {
        const lengths = wanted.mmul(weights.transpose());
        scores.mulRowVector(classes.map((_, k) => 1 / (rowLength(lengths, k) || 1)));
      }
      return Int32Array.from({ length: scores.rows }, (_, i) => classes[scores.maxRowIndex(i)[1]]);
    },
  };
}

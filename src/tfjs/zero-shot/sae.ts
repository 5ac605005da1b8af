/** SAE: features to attributes and back through one matrix, in closed form. */

import type { Matrix } from "ml-matrix";
import { openAnswers } from "./answers.js";
import { createZeroShotModel, type Similarity, type ZeroShotModel } from "./model.js";
import {
  checkPositive,
  meanSquares,
  openTraining,
  type Rows,
  type Training,
  type ZeroShotData,
} from "./rows.js";
import { decompose } from "./spectral.js";

/** Of `sae`. */
export interface SaeChoice {
  /** What the way to the attributes counts beside the way back, finite, > 0. */
  readonly lambda: number;
}

export interface SaeOptions extends ZeroShotData, Partial<SaeChoice> {
  /** "attributeCosine" unless given; "featureCosine" is the other one that the paper has. */
  readonly similarity?: Similarity;
}

type SaeData = ZeroShotData & Pick<SaeOptions, "similarity">;

const usualSimilarity: Similarity = "attributeCosine";

/**
 * Learns an autoencoder whose code is the attributes and whose decoder is its encoder transposed:
 *
 *     minimum of |X - S Wᵀ|² + lambda |X W - S|², with S the attributes of each sample's class
 *     lambda XᵀX W + W SᵀS = (1 + lambda) XᵀS
 *
 * This Sylvester equation is solved exactly, by the eigenvectors of SᵀS. Where it leaves W open (a
 * feature that is always 0 and attributes that no seen class needs), the shortest W is taken.
 *
 * Kodirov, Xiang and Gong, Semantic autoencoder for zero-shot learning, CVPR 2017.
 *
 * @param options features, labels and attributes; scalings; lambda, which unless given is that at which both ways count
 *   the same, whatever the scales. `searchSae` finds a better one
 * @returns a model of all classes in `attributes`
 * @throws TypeError, RangeError for data or numbers that do not fit
 */
export function sae(options: SaeOptions): ZeroShotModel {
  return openSae(options)(options);
}

/** Data taken in once, for any number of choices. */
export function openSae(data: SaeData): (choice: Partial<SaeChoice>) => ZeroShotModel {
  const training = openTraining(data);
  const { spectral, solve } = openProblem(training);
  return ({ lambda = saeDefaults(training).lambda }) =>
    createZeroShotModel(training, spectral.weightsOf(solve(lambda)), data.similarity ?? usualSimilarity);
}

/** By the scale of the data: where both ways count the same. */
export function saeDefaults({ features, places, seenAttributes }: Training): SaeChoice {
  const codes = meanSquares(weighted(seenAttributes, places));
  return { lambda: codes / meanSquares(features) || 1 };
}

/** As `openSae`, for what the models would say of these samples. */
export function openSaeAnswers(
  data: SaeData,
  features: Rows,
  classes: readonly number[],
): (choice: SaeChoice) => Int32Array {
  const training = openTraining(data);
  const { spectral, solve } = openProblem(training);
  const { similarity = usualSimilarity } = data;
  const answers = openAnswers({ training, similarity, basis: spectral.basis, features, classes });
  return ({ lambda }) => answers.of(answers.project(solve(lambda)));
}

function openProblem(training: Training) {
  const { places, seenAttributes } = training;
  const codes = weighted(seenAttributes, places);
  const spectral = decompose(training, codes.transpose().mmul(codes), seenAttributes);
  return {
    spectral,
    /** W R */
    solve(lambda: number): Matrix {
      checkPositive("lambda", lambda);
      return spectral.solve((right) => ({ slope: lambda / (1 + lambda), shift: right / (1 + lambda) }));
    },
  };
}

/** Of each class one row, with the squares of a row for each of its samples. */
function weighted(seenAttributes: Matrix, places: Int32Array): Matrix {
  const counts = new Array<number>(seenAttributes.rows).fill(0);
  for (const place of places) counts[place]++;
  return seenAttributes.clone().mulColumnVector(counts.map(Math.sqrt));
}

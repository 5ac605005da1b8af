/** ESZSL: a bilinear map between features and attributes in closed form. */

import { Matrix } from "ml-matrix";
import { createZeroShotModel, type Similarity, type ZeroShotModel } from "./model.js";
import { checkPositive, openTraining, takeRows, type ZeroShotData } from "./rows.js";
import { decompose, gram } from "./spectral.js";

/** Of `eszsl`; the paper tries 10^-3 to 10^3 for both. */
export interface EszslChoice {
  /** Of the features' side, finite, > 0. Compares with the sum of squares of a feature over the samples. */
  readonly gamma: number;
  /** Of the attributes' side, finite, > 0. Compares with the sum of squares over the seen classes. */
  readonly lambda: number;
}

export interface EszslOptions extends ZeroShotData, EszslChoice {
  /** "dot", the paper's, unless given. */
  readonly similarity?: Similarity;
}

/**
 * Learns the W that makes X W Sᵀ closest to Y, which is 1 for a sample's own class and -1 for the other
 * seen ones:
 *
 *     minimum of |X W Sᵀ - Y|² + gamma |W Sᵀ|² + lambda |X W|² + gamma lambda |W|²
 *     (XᵀX + gamma) W (SᵀS + lambda) = Xᵀ Y S
 *
 * Most of Y is -1, which attributes with a mean other than 0 over the seen classes would have to explain:
 * `attributeScaling: "center"`, and centred features, leave W to tell classes apart.
 *
 * Romera-Paredes and Torr, An embarrassingly simple approach to zero-shot learning, ICML 2015.
 *
 * @param options features, labels and attributes; gamma and lambda; scalings
 * @returns a model of all classes in `attributes`
 * @throws TypeError, RangeError for data or numbers that do not fit
 */
export function eszsl(options: EszslOptions): ZeroShotModel {
  return openEszsl(options)(options);
}

/** Data taken in once, for any number of choices. */
export function openEszsl(
  data: ZeroShotData & Pick<EszslOptions, "similarity">,
): (choice: EszslChoice) => ZeroShotModel {
  const training = openTraining(data);
  const { features, places, seenAttributes } = training;
  // A row of Y S: twice the attributes of the sample's class, less those of all seen classes.
  const targets = Matrix.mul(seenAttributes, 2).subRowVector(seenAttributes.sum("column"));
  const spectral = decompose(
    gram(features),
    gram(seenAttributes),
    features.transpose().mmul(takeRows(targets, places)),
  );
  return ({ gamma, lambda }) => {
    checkPositive("gamma", gamma);
    checkPositive("lambda", lambda);
    const weights = spectral.solve((l, r) => (l + gamma) * (r + lambda));
    return createZeroShotModel(training, weights, data.similarity ?? "dot");
  };
}

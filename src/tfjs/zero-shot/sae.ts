/** SAE: features to attributes and back through one matrix, in closed form. */

import { createZeroShotModel, type Similarity, type ZeroShotModel } from "./model.js";
import { checkPositive, openTraining, takeRows, type ZeroShotData } from "./rows.js";
import { decompose, gram } from "./spectral.js";

/** Of `sae`. */
export interface SaeChoice {
  /** What the way to the attributes counts beside the way back, finite, > 0. */
  readonly lambda: number;
}

export interface SaeOptions extends ZeroShotData, SaeChoice {
  /** "attributeCosine" unless given; "featureCosine" is the other one that the paper has. */
  readonly similarity?: Similarity;
}

/**
 * Learns an autoencoder whose code is the attributes and whose decoder is its encoder transposed:
 *
 *     minimum of |X - S Wᵀ|² + lambda |X W - S|², with S the attributes of each sample's class
 *     lambda XᵀX W + W SᵀS = (1 + lambda) XᵀS
 *
 * This Sylvester equation is solved exactly, by the eigenvectors of XᵀX and SᵀS. Where it leaves W open (a
 * feature that is always 0 and attributes that no seen class needs), the shortest W is taken.
 *
 * Kodirov, Xiang and Gong, Semantic autoencoder for zero-shot learning, CVPR 2017.
 *
 * @param options features, labels and attributes; lambda; scalings
 * @returns a model of all classes in `attributes`
 * @throws TypeError, RangeError for data or numbers that do not fit
 */
export function sae(options: SaeOptions): ZeroShotModel {
  return openSae(options)(options);
}

/** Data taken in once, for any number of choices. */
export function openSae(
  data: ZeroShotData & Pick<SaeOptions, "similarity">,
): (choice: SaeChoice) => ZeroShotModel {
  const training = openTraining(data);
  const { features, places, seenAttributes } = training;
  const codes = takeRows(seenAttributes, places);
  const spectral = decompose(gram(features), gram(codes), features.transpose().mmul(codes));
  return ({ lambda }) => {
    checkPositive("lambda", lambda);
    const weights = spectral.solve((l, r) => (lambda * l + r) / (1 + lambda));
    return createZeroShotModel(training, weights, data.similarity ?? "attributeCosine");
  };
}

/** From what a Keras file holds to the artifacts that tfjs and the layers importer read. */

import { UnsupportedError } from "../../errors.js";
import type { ModelArtifacts } from "../artifacts.js";
import { asObject } from "../json.js";
import { readTopology } from "../topology.js";
import { adaptModel } from "./adapt.js";
import { adaptByShape } from "./by-shape.js";
import { cleanLayer } from "./clean.js";
import { kerasModel } from "./model.js";
import { withNamedWeights } from "./named-weights.js";
import { withOwnNames } from "./names.js";
import { withNumberedWeights } from "./numbered-weights.js";
import { refuseUnknown } from "./unknown.js";
import type { KerasFile } from "./weights.js";
import { writeArtifacts } from "./write.js";

export { refuseForTfjs } from "./tfjs.js";
export type { KerasFile, KerasGroup, KerasTensor } from "./weights.js";

/**
 * @throws UnsupportedError listing layers that neither pare nor tfjs has, with all else that pare has not of the model
 * @throws TypeError, RangeError for a model that does not hold together, or whose weights are not those of its layers
 */
export function kerasArtifacts({ config, version, weights, layout }: KerasFile): ModelArtifacts {
  if (/^[01]\./.test(version ?? "")) {
    throw new UnsupportedError([`a file of Keras ${version}; load it in Keras 2 and save it again`]);
  }
  const model = kerasModel(readTopology(cleanLayer(asObject(config, "config"))));
  refuseUnknown(adaptModel(model, version));
  // Weights by the classes and names that the file knows, which the layers have before they are adapted.
  const filled = layout === "hdf5" ? withNamedWeights(model, weights) : withNumberedWeights(model, weights);
  return writeArtifacts(withOwnNames(adaptByShape(adaptModel(filled, version))));
}

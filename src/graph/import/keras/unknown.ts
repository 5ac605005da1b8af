/** Layers that someone wrote, and those of Keras that neither pare nor tfjs has. */

import { UnsupportedError } from "../../errors.js";
import { layerRule, unsupportedIn } from "../layers/index.js";
import type { KerasLayer, KerasModel } from "./model.js";
import { tfjsLayers } from "./tfjs.js";

/** @throws UnsupportedError where there is such a layer, with all else that pare has not of the model */
export function refuseUnknown(model: KerasModel): void {
  const layers = allLayers(model);
  if (layers.some(isUnknown)) throw new UnsupportedError(layers.flatMap((layer) => unsupportedIn(layer)));
}

function isUnknown({ className, model }: KerasLayer): boolean {
  // Its weights are what make it a layer that both have.
  if (className === "Normalization") return false;
  return !model && !layerRule(className) && !tfjsLayers.has(className);
}

function allLayers({ layers }: KerasModel): readonly KerasLayer[] {
  return layers.flatMap((layer) => [layer, ...(layer.model ? allLayers(layer.model) : [])]);
}

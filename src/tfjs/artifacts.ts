/** A live model in the form that its files have, so that one importer reads both. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { ModelArtifacts, WeightSpec } from "../graph/index.js";
import { checkModel, isModel } from "./weights.js";

/**
 * What `model.save` would write, and each weight under a name of its own, which `model.save` does not see
 * to where models within the model have layers of one name: give it to `importModel` or `compress`.
 *
 * @param model any LayersModel, on any backend; it stays as it is
 * @returns topology and weights, copied, without the state of an optimizer
 * @throws TypeError where it is no LayersModel
 */
export async function modelArtifacts(model: LayersModel): Promise<ModelArtifacts> {
  checkModel(model);
  const { specs, data } = await tf.io.encodeWeights(namedWeights(model));
  return {
    modelTopology: model.toJSON(null, false),
    weightSpecs: specs as readonly WeightSpec[],
    weightData: new Uint8Array(data),
    format: "layers-model",
  };
}

/**
 * Every weight under tfjs' name for it, "dense/kernel", once, shared or not. Where that is the name of
 * several weights, each is under the names of the models around its layer too, "inner/dense/kernel", and
 * as often as it has places in the model.
 */
function namedWeights(model: LayersModel): { name: string; tensor: tf.Tensor }[] {
  const weights = [...new Map(model.weights.map((weight) => [weight.id, weight])).values()];
  const places = weightPlaces(model);
  const owners = new Map<string, number>();
  for (const { originalName: name } of weights) owners.set(name, (owners.get(name) ?? 0) + 1);
  return weights.flatMap((weight) => {
    const { id, originalName } = weight;
    const names = owners.get(originalName) === 1 ? [originalName] : (places.get(id) ?? []);
    return names.map((name) => ({ name, tensor: weight.read() }));
  });
}

/** Ids of weights to their names with those of the models around, one for each place in the model. */
function weightPlaces(
  { layers }: Pick<LayersModel, "layers">,
  path = "",
  places = new Map<number, string[]>(),
): ReadonlyMap<number, readonly string[]> {
  for (const layer of layers) {
    if (isModel(layer)) {
      weightPlaces(layer, `${path}${layer.name}/`, places);
      continue;
    }
    for (const { id, originalName } of layer.weights) {
      places.set(id, [...(places.get(id) ?? []), `${path}${originalName}`]);
    }
  }
  return places;
}

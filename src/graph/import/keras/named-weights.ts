/**
 * Weights of Keras' HDF5 format: a group for each layer of the model, with the names of its weights in the order in
 * which Keras lists them. A model within the model is one such layer, with the weights of all that it holds.
 */

import type { KerasLayer, KerasModel, KerasWeight } from "./model.js";
import { groupAt, type KerasGroup, type KerasTensor, tensorAt } from "./weights.js";

/** @throws RangeError where a layer's weights are not those that it has by its configuration */
export function withNamedWeights(model: KerasModel, weights: KerasGroup): KerasModel {
  const layers = model.layers.map((layer) => {
    const places = placesOf(layer);
    if (places.length === 0) return layer;
    const given = weightsIn(groupAt(weights, ...layer.name.split("/")));
    return filled(layer, assign(layer, places, given));
  });
  return { ...model, layers };
}

interface Named {
  readonly name: string;
  readonly tensor: KerasTensor | undefined;
}

/** A weight that a layer has, or one that a layer within it has. */
interface Place {
  readonly weight: KerasWeight;
  readonly layer: KerasLayer;
  readonly isTrained: boolean;
}

function placesOf(layer: KerasLayer, frozen = false): readonly Place[] {
  const isFrozen = frozen || layer.config.trainable === false;
  if (layer.model) return layer.model.layers.flatMap((inner) => placesOf(inner, isFrozen));
  return layer.weights.map((weight) => ({ weight, layer, isTrained: !isFrozen && !weight.isState }));
}

function weightsIn(group: KerasGroup | undefined): readonly Named[] {
  const names = (group?.order ?? []).filter((name) => !/seed_generator/.test(name));
  return names.map((name) => ({ name, tensor: group && tensorAt(group, name) }));
}

/** Which tensor is which weight: by their names where those leave no doubt, else by Keras' order. */
function assign(
  layer: KerasLayer,
  places: readonly Place[],
  given: readonly Named[],
): ReadonlyMap<KerasWeight, KerasTensor> {
  if (given.length !== places.length) {
    throw new RangeError(
      `layer ${layer.name}: wanted its ${places.length} weights (${places
        .map(({ weight }) => weight.name)
        .slice(0, 8)
        .join(", ")}), got ${given.length}`,
    );
  }
  const order = byName(layer, places, given) ?? inKerasOrder(places);
  return new Map(
    order.map(({ weight }, i) => {
      const { name, tensor } = given[i];
      if (!tensor)
        throw new RangeError(`layer ${layer.name}: wanted numbers for its weight ${name}, got none`);
      return [weight, tensor];
    }),
  );
}

/** All that is trained first, of every layer of a model, then the rest. */
function inKerasOrder(places: readonly Place[]): readonly Place[] {
  return [...places.filter(({ isTrained }) => isTrained), ...places.filter(({ isTrained }) => !isTrained)];
}

/** @returns the place of each tensor; undefined where a name could be that of none or of several */
function byName(
  layer: KerasLayer,
  places: readonly Place[],
  given: readonly Named[],
): readonly Place[] | undefined {
  const isInner = layer.model !== undefined;
  const candidates = new Map<string, Place[]>();
  for (const place of places) {
    const key = isInner ? lastPart(place.layer.name) : "";
    const others = candidates.get(key);
    if (others) others.push(place);
    else candidates.set(key, [place]);
  }
  const order = new Set<Place>();
  for (const { name } of given) {
    const keys = isInner ? new Set(name.split("/")) : [""];
    const matches = [...keys]
      .flatMap((key) => candidates.get(key) ?? [])
      .filter((place) => isNamed(place, name, isInner));
    if (matches.length !== 1 || order.has(matches[0])) return undefined;
    order.add(matches[0]);
  }
  return [...order];
}

const lastPart = (name: string) => name.slice(name.lastIndexOf("/") + 1);

/** "lstm/lstm_cell/kernel:0" is the kernel of lstm; "bidirectional/forward_lstm/lstm_cell/kernel:0" has a side. */
function isNamed({ weight, layer }: Place, name: string, isInner: boolean): boolean {
  const parts = name.replace(/:\d+$/, "").split("/");
  if (parts.pop() !== weight.role) return false;
  if (isInner && !`/${parts.join("/")}/`.includes(`/${layer.name}/`)) return false;
  return weight.side === undefined || parts.some((part) => part.startsWith(`${weight.side}_`));
}

function filled(layer: KerasLayer, tensors: ReadonlyMap<KerasWeight, KerasTensor>): KerasLayer {
  const weights = layer.weights.map((weight) => {
    const tensor = tensors.get(weight);
    return tensor ? { ...weight, tensor } : weight;
  });
  const model = layer.model && {
    ...layer.model,
    layers: layer.model.layers.map((inner) => filled(inner, tensors)),
  };
  return { ...layer, weights, ...(model ? { model } : {}) };
}

/**
 * Weights of a `.keras` file: layers are there by their classes and numbers, `layers/conv2d_1`, variables by numbers,
 * `vars/0`; names of the user are not. Keras walks a model's layers in order, and so does this.
 */

import type { KerasLayer, KerasModel } from "./model.js";
import { groupAt, type KerasGroup } from "./weights.js";

/** @throws RangeError where a layer's weights are not those that it has by its configuration */
export function withNumberedWeights(model: KerasModel, weights: KerasGroup): KerasModel {
  return fromGroup(model, weights, model.name);
}

function fromGroup(model: KerasModel, group: KerasGroup | undefined, path: string): KerasModel {
  // Keras 2.12 and 2.13 have another name for them.
  const groups = groupAt(group, "layers") ?? groupAt(group, "_layer_checkpoint_dependencies");
  const names = groupNames(model, groups);
  const layers = model.layers.map((layer) => {
    const name = names.get(layer);
    return name === undefined ? layer : fromLayer(layer, groups?.groups.get(name), `${path}/${layer.name}`);
  });
  return { ...model, layers };
}

/** The group of each layer: the n-th of a class has the n-th of the groups of that class. */
function groupNames(model: KerasModel, groups: KerasGroup | undefined): ReadonlyMap<KerasLayer, string> {
  const byClass = new Map<string, KerasLayer[]>();
  for (const layer of model.layers) {
    if (layer.isOperation || layer.className === "InputLayer") continue;
    const stem = snakeCase(layer.model && layer.className === "Model" ? "Functional" : layer.className);
    const same = byClass.get(stem);
    if (same) same.push(layer);
    else byClass.set(stem, [layer]);
  }
  const names = new Map<KerasLayer, string>();
  for (const [stem, layers] of byClass) {
    const own = [...(groups?.groups.keys() ?? [])].filter((name) => numberOf(name, stem) !== undefined);
    own.sort((a, b) => (numberOf(a, stem) ?? 0) - (numberOf(b, stem) ?? 0));
    // Keras 2.12 and 2.13 count layers with weights twice: then there are as many groups, with gaps in the numbers.
    const inOrder = own.length === layers.length;
    for (const [i, layer] of layers.entries())
      names.set(layer, inOrder ? own[i] : i === 0 ? stem : `${stem}_${i}`);
  }
  return names;
}

/** 1 of "dense_1" for "dense", 0 of "dense"; undefined for others. */
function numberOf(name: string, stem: string): number | undefined {
  if (name === stem) return 0;
  const end = name.startsWith(`${stem}_`) ? name.slice(stem.length + 1) : "";
  return /^\d{1,6}$/.test(end) ? Number(end) : undefined;
}

/** Keras' to_snake_case: LeakyReLU is leaky_re_lu, Conv2D is conv2d. */
export function snakeCase(className: string): string {
  return className
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

function fromLayer(layer: KerasLayer, group: KerasGroup | undefined, path: string): KerasLayer {
  if (layer.model) return { ...layer, model: fromGroup(layer.model, group, path) };
  const weights = layer.weights.map((weight) => {
    const tensor = groupAt(group, ...weight.path, "vars")?.tensors.get(String(weight.index));
    if (tensor) return { ...weight, tensor };
    const place = [...weight.path, "vars", weight.index].join("/");
    throw new RangeError(`layer ${path}: wanted a weight ${weight.name} at ${place}, got none`);
  });
  return { ...layer, weights };
}

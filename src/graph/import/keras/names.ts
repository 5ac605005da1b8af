/**
 * Names that tfjs takes: each layer with weights has one of its own in all of the model, models within it included.
 * Those of the outermost model stay: inputs and outputs are called by them.
 */

import type { Reference } from "../references.js";
import type { KerasLayer, KerasModel } from "./model.js";

export function withOwnNames(model: KerasModel): KerasModel {
  const names = new Set(model.layers.map(({ name }) => name));
  const layers = model.layers.map((layer) => inner(layer, names));
  return { ...model, layers };
}

function inner(layer: KerasLayer, names: Set<string>): KerasLayer {
  return layer.model ? { ...layer, model: renamed(layer.model, layer.name, names) } : layer;
}

function renamed(model: KerasModel, path: string, names: Set<string>): KerasModel {
  const own = new Map<string, string>();
  for (const { name } of model.layers) {
    let free = name;
    for (let i = 0; names.has(free); i++) free = i === 0 ? `${path}_${name}` : `${path}_${name}_${i}`;
    names.add(free);
    own.set(name, free);
  }
  const toOwn = (reference: Reference) => ({
    ...reference,
    layer: own.get(reference.layer) ?? reference.layer,
  });
  return {
    ...model,
    inputs: model.inputs.map(toOwn),
    outputs: model.outputs.map(toOwn),
    layers: model.layers.map((layer) => {
      const name = own.get(layer.name) as string;
      const calls = layer.calls.map((call) => call.map(toOwn));
      return inner({ ...layer, name, config: { ...layer.config, name }, calls }, names);
    }),
  };
}

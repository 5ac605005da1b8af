/**
 * Names that tfjs takes: each layer with weights has one of its own in all of the model, models within it included,
 * and no spaces. Those of the outermost model stay otherwise: inputs and outputs are called by them.
 */

import type { Reference } from "../references.js";
import type { KerasLayer, KerasModel } from "./model.js";

export function withOwnNames(model: KerasModel): KerasModel {
  const kept = model.layers.map(({ name }) => name).filter((name) => tensorName.test(name));
  return renamed(model, "", new Set(kept), new Set(kept));
}

/** What tfjs takes for the name of a tensor. */
const tensorName = /^[A-Za-z0-9][-A-Za-z0-9._/]*$/;

const asTensorName = (name: string) =>
  name.replace(/[^-A-Za-z0-9._/]/g, "_").replace(/^(?![A-Za-z0-9])/, "layer");

function inner(layer: KerasLayer, names: Set<string>): KerasLayer {
  return layer.model ? { ...layer, model: renamed(layer.model, layer.name, names) } : layer;
}

/**
 * @param path of the model: a name that is taken gets it before it
 * @param names that are taken
 * @param kept names of this model that stay as they are
 */
function renamed(
  model: KerasModel,
  path: string,
  names: Set<string>,
  kept: ReadonlySet<string> = new Set(),
): KerasModel {
  const own = new Map<string, string>();
  for (const { name } of model.layers) {
    const plain = asTensorName(name);
    const stem = path === "" ? plain : `${path}_${plain}`;
    let free = kept.has(name) ? name : plain;
    for (let i = 0; !kept.has(name) && names.has(free); i++) free = i === 0 ? stem : `${stem}_${i}`;
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

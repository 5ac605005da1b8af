/**
 * Names that tfjs takes: each layer with weights has one of its own in all of the model, models within it included,
 * and no spaces. Those of the outermost model stay otherwise: inputs and outputs are called by them.
 */

import type { Reference } from "../references.js";
import type { KerasLayer, KerasModel } from "./model.js";

export function withOwnNames(model: KerasModel): KerasModel {
  const kept = model.layers.map(({ name }) => name).filter((name) => tensorName.test(name));
  return renamed(model, "", { names: new Set(kept), counts: new Map() }, new Set(kept));
}

/** What tfjs takes for the name of a tensor. */
const tensorName = /^[A-Za-z0-9][-A-Za-z0-9._/]*$/;

const asTensorName = (name: string) =>
  name.replace(/[^-A-Za-z0-9._/]/g, "_").replace(/^(?![A-Za-z0-9])/, "layer");

interface Taken {
  readonly names: Set<string>;
  /** The last number that each name got. */
  readonly counts: Map<string, number>;
}

function inner(layer: KerasLayer, taken: Taken): KerasLayer {
  return layer.model ? { ...layer, model: renamed(layer.model, layer.name, taken) } : layer;
}

/**
 * @param path of the model: a name that is taken gets it before it
 * @param taken names of all models before
 * @param kept names of this model that stay as they are
 */
function renamed(
  model: KerasModel,
  path: string,
  taken: Taken,
  kept: ReadonlySet<string> = new Set(),
): KerasModel {
  const own = new Map<string, string>();
  for (const { name } of model.layers) {
    own.set(name, kept.has(name) ? name : freeName(asTensorName(name), path, taken));
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
      return inner({ ...layer, name, config: { ...layer.config, name }, calls }, taken);
    }),
  };
}

function freeName(name: string, path: string, { names, counts }: Taken): string {
  const stem = path === "" ? name : `${path}_${name}`;
  let count = counts.get(stem) ?? 0;
  let free = count === 0 ? name : `${stem}_${count}`;
  for (; names.has(free); count++) free = count === 0 && path !== "" ? stem : `${stem}_${count}`;
  counts.set(stem, count);
  names.add(free);
  return free;
}

/** Finds the tensor that a layer calls "kernel", under whatever name the model's writer gave it. */

import type { F32Weight, I32Weight } from "../types.js";
import type { ModelArtifacts } from "./artifacts.js";
import { decodeTensor, locateTensors, type StoredTensor } from "./weights.js";

/** A layer's place in the model: its name and those of the models around it, outermost first. */
export interface LayerPath {
  readonly name: string;
  readonly path: readonly string[];
}

export interface WeightStore {
  /**
   * @param role "kernel"
   * @param index position among the layer's weights, which is all that some Keras 3 files name
   * @returns the tensor's name in the file and its numbers
   * @throws RangeError where there is none, or where more than one could be meant
   */
  find(layer: LayerPath, role: string, index: number): { key: string; weight: F32Weight | I32Weight };
  /** Tensors of the model that nothing asked for; those of an optimizer are not of the model. */
  unused(): readonly string[];
}

export function createWeightStore(artifacts: ModelArtifacts): WeightStore {
  const tensors = locateTensors(artifacts);
  const decoded = new Map<string, F32Weight | I32Weight>();
  return {
    find(layer, role, index) {
      const key = findName(tensors, layer, role, index);
      const weight = decoded.get(key) ?? decodeTensor(tensors.get(key) as StoredTensor);
      decoded.set(key, weight);
      return { key, weight };
    },
    unused() {
      const names = [...tensors.keys()].filter((name) => !decoded.has(name));
      return names.filter((name) => tensors.get(name)?.spec.group !== "optimizer");
    },
  };
}

function findName(
  tensors: ReadonlyMap<string, StoredTensor>,
  { name, path }: LayerPath,
  role: string,
  index: number,
): string {
  for (const tail of [`${name}/${role}`, `${name}/vars/${index}`, `${name}/${index}`]) {
    // Two models inside this one may each have a layer "dense": the path tells them apart.
    for (let i = 0; i <= path.length; i++) {
      const full = [...path.slice(i), tail].join("/");
      for (const key of [full, `${full}:0`]) if (tensors.has(key)) return key;
    }
    const matches = [...tensors.keys()].filter((key) => key.replace(/:0$/, "").endsWith(`/${tail}`));
    if (matches.length === 1) return matches[0];
    if (matches.length > 1) {
      throw new RangeError(`layer ${name}: wanted one weight ${role}, got ${matches.join(", ")}`);
    }
  }
  const some = [...tensors.keys()].slice(0, 5).join(", ") || "no weights";
  throw new RangeError(
    `layer ${name}: wanted a weight ${name}/${role}, with any prefix; the model has ${some}${tensors.size > 5 ? "..." : ""}`,
  );
}

/** Finds the tensor that a layer calls "kernel", under whatever name the model's writer gave it. */

import type { F32Weight, I32Weight } from "../types.js";
import type { ModelArtifacts } from "./artifacts.js";
import { decodeTensor, locateTensors, type StoredTensor } from "./weights.js";

/** A layer's place in the model: its name and those of the models around it, outermost first. */
export interface LayerPath {
  readonly name: string;
  readonly path: readonly string[];
  /** Names its weights may be under, if not its own: those in a wrapper have the wrapper's. */
  readonly weightNames?: readonly string[];
  /** Its weights may lie one name deeper: "lstm/lstm_cell/kernel". */
  readonly hasCell?: boolean;
}

export interface WeightStore {
  /**
   * @param role "kernel"
   * @param index position among the layer's weights, which is all that some Keras 3 files name
   * @returns the tensor's name in the file and its numbers
   * @throws RangeError where there is none, or where more than one could be meant
   */
  find(layer: LayerPath, role: string, index: number): { key: string; weight: F32Weight | I32Weight };
  /** The tensor of exactly this name; undefined where there is none. */
  get(name: string): F32Weight | I32Weight | undefined;
  /** Tensors of the model that nothing asked for; those of an optimizer are not of the model. */
  unused(): readonly string[];
}

export function createWeightStore(artifacts: ModelArtifacts): WeightStore {
  const tensors = locateTensors(artifacts);
  const decoded = new Map<string, F32Weight | I32Weight>();
  const decode = (key: string) => {
    const weight = decoded.get(key) ?? decodeTensor(tensors.get(key) as StoredTensor);
    decoded.set(key, weight);
    return weight;
  };
  return {
    find(layer, role, index) {
      const key = findName(tensors, layer, role, index);
      return { key, weight: decode(key) };
    },
    get: (name) => (tensors.has(name) ? decode(name) : undefined),
    unused() {
      const names = [...tensors.keys()].filter((name) => !decoded.has(name));
      return names.filter((name) => tensors.get(name)?.spec.group !== "optimizer");
    },
  };
}

/** Keras 3 has "kernel" for all of them. */
const otherRoles: Readonly<Record<string, string>> = { depthwise_kernel: "kernel" };

function findName(
  tensors: ReadonlyMap<string, StoredTensor>,
  { name, path, weightNames = [name], hasCell = false }: LayerPath,
  role: string,
  index: number,
): string {
  const roles = [
    role,
    ...(Object.hasOwn(otherRoles, role) ? [otherRoles[role]] : []),
    `vars/${index}`,
    `${index}`,
  ];
  const tails = roles.flatMap((end) => weightNames.map((own) => ({ own, end, tail: `${own}/${end}` })));
  for (const { own, end, tail } of tails) {
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
    const deeper = [...tensors.keys()].filter(
      (key) => hasCell && `/${key}`.includes(`/${own}/`) && key.replace(/:0$/, "").endsWith(`/${end}`),
    );
    if (deeper.length === 1) return deeper[0];
  }
  const some = [...tensors.keys()].slice(0, 5).join(", ") || "no weights";
  throw new RangeError(
    `layer ${name}: wanted a weight ${weightNames[0]}/${role}, with any prefix; the model has ${some}${tensors.size > 5 ? "..." : ""}`,
  );
}

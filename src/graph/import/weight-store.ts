/** Finds the tensor that a layer calls "kernel", under whatever name the model's writer gave it. */

import type { F32Weight, I32Weight } from "../types.js";
import type { ModelArtifacts } from "./artifacts.js";
import type { SharedName } from "./topology.js";
import { decodeTensor, locateTensors, type StoredTensor } from "./weights.js";

/** A layer's place in the model: its name and those of the models around it, outermost first. */
export interface LayerPath {
  readonly name: string;
  readonly path: readonly string[];
  /** Names its weights may be under, if not its own: those in a wrapper have the wrapper's. */
  readonly weightNames?: readonly string[];
  /** Where several layers have its name: the first has the first weights of that name, and so on. */
  readonly shared?: SharedName;
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
  const choose = twinChooser(tensors);
  const decode = (key: string) => {
    const weight = decoded.get(key) ?? decodeTensor(tensors.get(key) as StoredTensor);
    decoded.set(key, weight);
    return weight;
  };
  return {
    find(layer, role, index) {
      const key = choose(findName(tensors, layer, role, index), layer);
      return { key, weight: decode(key) };
    },
    get: (name) => (tensors.has(name) ? decode(choose(name, { name, path: [] })) : undefined),
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

/**
 * Of several tensors of one name that which is a layer's: the first of the layers of one Sequential that have its name
 * has the first, and so on.
 */
function twinChooser(tensors: ReadonlyMap<string, StoredTensor>) {
  const twins = new Map<string, string[]>();
  for (const [key, { spec }] of tensors) twins.set(spec.name, [...(twins.get(spec.name) ?? []), key]);
  const owners = new Map<string, SharedName[]>();
  return (name: string, { shared }: LayerPath): string => {
    const keys = twins.get(name) ?? [name];
    if (!shared) {
      if (keys.length === 1) return name;
      throw new RangeError(
        `weight ${name}: wanted it once, got it ${keys.length} times; give the layers of inner models names that differ, or import the live model`,
      );
    }
    const layers = owners.get(name) ?? [];
    owners.set(name, layers);
    if (!layers.includes(shared)) layers.push(shared);
    const key = keys[layers.indexOf(shared)];
    if (key !== undefined) return key;
    throw new RangeError(
      `weight ${name}: wanted one for each layer ${shared.name}, ${layers.length} or more, got ${keys.length}`,
    );
  };
}

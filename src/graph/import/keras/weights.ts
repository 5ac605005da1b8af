/** The weights of a Keras file as plain data: a tree of groups with named tensors. */

export interface KerasTensor {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
  /** Little-endian. */
  readonly data: Uint8Array;
}

export interface KerasGroup {
  readonly groups: ReadonlyMap<string, KerasGroup>;
  /** Undefined for what holds no numbers. */
  readonly tensors: ReadonlyMap<string, KerasTensor | undefined>;
  /** The attribute layer_names or weight_names of Keras' HDF5 format; an order that names alone do not give. */
  readonly order?: readonly string[];
}

/** What a Keras file holds. */
export interface KerasFile {
  /** The configuration of the model, parsed. */
  readonly config: unknown;
  /** "2.15.0". */
  readonly version?: string;
  readonly weights: KerasGroup;
  /** How weights are laid out: by the names of layers (Keras' HDF5 format), or by classes and numbers (a `.keras` zip). */
  readonly layout: "hdf5" | "zip";
}

/** A tensor by its path below a group: "dense/kernel:0". */
export function tensorAt(group: KerasGroup, path: string): KerasTensor | undefined {
  const names = path.split("/");
  const last = names.pop() as string;
  let at: KerasGroup | undefined = group;
  for (const name of names) at = at?.groups.get(name);
  return at?.tensors.get(last);
}

/** A group by the names that lead to it. */
export function groupAt(group: KerasGroup | undefined, ...names: readonly string[]): KerasGroup | undefined {
  return names.reduce<KerasGroup | undefined>((at, name) => at?.groups.get(name), group);
}

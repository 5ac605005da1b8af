/** Keras files by hand, as Keras writes them: HDF5 by h5wasm, zips by fflate, neither of which pare uses. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { type Dtype, File, type Group, type LIBVER_BOUNDS, ready } from "h5wasm/node";

export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
  /** As h5wasm has it, "<f" where it is left out. */
  readonly dtype?: string;
  readonly chunks?: readonly number[];
  /** Level of DEFLATE, with the bytes of numbers shuffled; only in chunks. */
  readonly compression?: number;
}

export interface Attributes {
  /** Text of any length, or a list of names of one length as numpy has them. */
  readonly [name: string]: string | readonly string[];
}

/** What a file of HDF5 is to hold: groups and datasets by their paths, attributes of groups. */
export interface Content {
  readonly groups?: Readonly<Record<string, Attributes>> | undefined;
  readonly datasets?: Readonly<Record<string, Values>>;
}

/** As h5py's default has it; and what newer writers do. */
export type Libver = "earliest" | "v108" | "latest";

/** Calls `use` with an open file, and gives what it then is. */
export async function hdf5With(use: (file: File) => void, libver: Libver = "earliest"): Promise<Uint8Array> {
  await ready;
  const folder = mkdtempSync(join(tmpdir(), "pare-keras-test-"));
  try {
    const path = join(folder, "file.h5");
    const file = new File(path, "w", { libver: [libver, "latest"] as LIBVER_BOUNDS });
    use(file);
    file.close();
    return new Uint8Array(readFileSync(path));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function hdf5(content: Content, libver?: Libver): Promise<Uint8Array> {
  return hdf5With((file) => fill(file, content), libver);
}

function fill(file: File, { groups = {}, datasets = {} }: Content): void {
  for (const [path, attributes] of Object.entries(groups)) {
    const group = path === "" ? file : groupAt(file, path.split("/"));
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "string") group.create_attribute(name, value);
      // numpy's empty list is one of float64.
      else if (value.length === 0) group.create_attribute(name, new Float64Array(0), [0], "<d");
      else group.create_attribute(name, [...value], [value.length], textType(value));
    }
  }
  for (const [path, { shape, data, dtype = "<f", chunks, compression }] of Object.entries(datasets)) {
    const names = path.split("/");
    const name = names.pop() as string;
    groupAt(file, names).create_dataset({
      name,
      data: data as Float32Array,
      shape: [...shape],
      dtype: dtype as Dtype,
      ...(chunks && { chunks: [...chunks] }),
      ...(compression !== undefined && { compression, shuffle: true }),
    });
  }
}

const textType = (texts: readonly string[]) => `A${Math.max(...texts.map(({ length }) => length))}` as Dtype;

function groupAt(file: File, names: readonly string[]): Group {
  let at: Group = file;
  for (const name of names) {
    at = (at.keys().includes(name) ? at.get(name) : at.create_group(name)) as Group;
  }
  return at;
}

/** A `.keras` file: datasets by their paths in model.weights.h5, and groups that hold none. */
export async function kerasZip(
  config: unknown,
  weights: Content,
  version = "3.9.0",
  level: 0 | 6 = 0,
): Promise<Uint8Array> {
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const files = {
    "metadata.json": text({ keras_version: version, date_saved: "2025-05-19@18:57:42" }),
    "config.json": text(config),
    "model.weights.h5": await hdf5(weights),
  };
  return zipSync(files, { level });
}

/** Weights of one layer of the HDF5 format: names as Keras lists them, with their numbers. */
export type NamedWeights = readonly (readonly [name: string, values: Values])[];

/** A `.h5` file: layers in order, each with its weights. */
export function kerasHdf5(
  config: unknown,
  layers: Readonly<Record<string, NamedWeights>>,
  version = "2.15.0",
): Promise<Uint8Array> {
  const groups: Record<string, Attributes> = {
    "": { model_config: JSON.stringify(config), keras_version: version, backend: "tensorflow" },
    model_weights: { layer_names: Object.keys(layers), keras_version: version, backend: "tensorflow" },
  };
  const datasets: Record<string, Values> = {};
  for (const [layer, weights] of Object.entries(layers)) {
    groups[`model_weights/${layer}`] = { weight_names: weights.map(([name]) => name) };
    for (const [name, values] of weights) datasets[`model_weights/${layer}/${name}`] = values;
  }
  return hdf5({ groups, datasets });
}

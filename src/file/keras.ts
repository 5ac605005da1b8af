/** Keras files, of Keras 1 to 3: HDF5 or zip, told apart by their bytes, not by their names. */

import {
  joinArtifacts,
  type KerasFile,
  type KerasGroup,
  type KerasTensor,
  kerasArtifacts,
  type ModelArtifacts,
} from "../graph/index.js";
import { FormatError } from "./errors.js";
import { type Hdf5File, type Hdf5Object, isHdf5, openHdf5 } from "./hdf5/index.js";
import { isZip, openZip } from "./zip.js";

/** @param head the first bytes of a file, or all of them; 8 at least */
export function isKeras(head: Uint8Array): boolean {
  return isHdf5(head) || isZip(head);
}

/**
 * A Keras model in the form that tfjs and `importModel` read: a topology as Keras 2 writes it, and weights by
 * tfjs' names. The state of an optimizer is left where it is.
 *
 * @param bytes of a `.keras` or `.h5` file, of Keras 1, 2 or 3
 * @throws UnsupportedError listing layers that are not Keras' own, and all else that pare has not of such a model
 * @throws FormatError zip-*, hdf5-*, stream-*, keras-* for what is no Keras model, or not whole
 */
export async function decodeKeras(bytes: Uint8Array): Promise<ModelArtifacts> {
  const file = isZip(bytes) ? await openArchive(bytes) : await openModelFile(bytes);
  try {
    return joinArtifacts(kerasArtifacts(file));
  } catch (error) {
    // What the configuration and the weights say that does not hold together.
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new FormatError("keras-model", error.message);
    }
    throw error;
  }
}

const maxConfigBytes = 64 * 2 ** 20;

const configName = "config.json";
const weightsName = "model.weights.h5";

/** Weights hardly deflate, sparse ones a few times: what claims to be larger is made to fill the memory. */
const maxWeightBytes = ({ length }: Uint8Array) => Math.min(2 ** 26 + 32 * length, 2 ** 32);

/** A `.keras` file of Keras 2.12 or later. */
async function openArchive(bytes: Uint8Array): Promise<KerasFile> {
  const zip = openZip(bytes);
  const config = await zip.read(configName, maxConfigBytes);
  if (!config) {
    const some = zip.names.slice(0, 5).join(", ") || "nothing";
    throw new FormatError(
      "keras-config",
      `a zip archive without ${configName} is no Keras model; it has ${some}`,
    );
  }
  const weights = await zip.read(weightsName, maxWeightBytes(bytes));
  if (!weights) throw new FormatError("keras-weights", `want ${weightsName} in the archive, got none`);
  const metadata = await zip.read("metadata.json", maxConfigBytes);
  const version =
    metadata && (parse(metadata, "metadata.json") as { keras_version?: unknown } | null)?.keras_version;
  const file = openHdf5(weights);
  return {
    config: parse(config, configName),
    ...(typeof version === "string" && { version }),
    weights: await readGroup(file, file.root, isModelPart),
    layout: "zip",
  };
}

/** Of all that a file of weights holds at its top: not the state of optimizer, metrics and losses. */
const isModelPart = (name: string) => name === "layers" || name === "_layer_checkpoint_dependencies";

/** Keras' HDF5 format: model.save("model.h5"). */
async function openModelFile(bytes: Uint8Array): Promise<KerasFile> {
  const file = openHdf5(bytes);
  const { root } = file;
  const config = root.texts("model_config")?.[0];
  const weights = root.links?.get("model_weights");
  if (config === undefined || weights === undefined) throw notAModel(root, config !== undefined);
  const version = root.texts("keras_version")?.[0] ?? file.open(weights).texts("keras_version")?.[0];
  return {
    config: parse(new TextEncoder().encode(config), "model_config"),
    ...(version !== undefined && { version }),
    weights: await readGroup(file, file.open(weights), () => true),
    layout: "hdf5",
  };
}

function notAModel(root: Hdf5Object, hasConfig: boolean): FormatError {
  if (hasConfig) return new FormatError("keras-weights", "want the group model_weights, got none");
  const names = [...(root.links?.keys() ?? [])];
  const isWeights = namesOf(root, "layer_names") !== undefined || names.some(isModelPart);
  if (isWeights) {
    return new FormatError(
      "keras-weights-only",
      'the file holds weights alone, without the architecture: save the whole model, model.save("model.keras")',
    );
  }
  const some = names.slice(0, 5).join(", ") || "nothing";
  return new FormatError(
    "keras-config",
    `an HDF5 file without model_config is no Keras model; it has ${some}`,
  );
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return parseKerasJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new FormatError("keras-json", `${what}: want JSON`);
  }
}

/** Python writes Infinity and NaN, which are no JSON; in a configuration they stand where nothing is limited. */
function parseKerasJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(/([:[,]\s*)(?:-?Infinity|NaN)(?=\s*[,\]}])/g, "$1null"));
  }
}

/** Deeper than any model is. */
const maxDepth = 40;
/** As many as a model of that many nodes could have. */
const maxTensors = 100_000;

/** Reads a group with all that is in it. */
async function readGroup(
  file: Hdf5File,
  top: Hdf5Object,
  wanted: (name: string) => boolean,
): Promise<KerasGroup> {
  let count = 0;
  const tensors = new Map<Hdf5Object, KerasTensor | undefined>();
  const walk = async (group: Hdf5Object, path: readonly Hdf5Object[]): Promise<KerasGroup> => {
    if (path.includes(group)) throw new FormatError("hdf5-corrupt", "a group holds itself");
    if (path.length > maxDepth)
      throw new FormatError("hdf5-costly", `want groups nested ${maxDepth} deep at most`);
    const [groups, own] = [new Map<string, KerasGroup>(), new Map<string, KerasTensor | undefined>()];
    for (const [name, address] of group.links ?? []) {
      if (path.length === 0 && !wanted(name)) continue;
      if (++count > maxTensors) throw new FormatError("hdf5-costly", `want ${maxTensors} members at most`);
      const object = file.open(address);
      if (object.links) {
        groups.set(name, await walk(object, [...path, group]));
      } else {
        if (!tensors.has(object)) tensors.set(object, await object.numbers());
        own.set(name, tensors.get(object));
      }
    }
    const order = namesOf(group, "layer_names") ?? namesOf(group, "weight_names");
    return { groups, tensors: own, ...(order && { order }) };
  };
  return walk(top, []);
}

/** An attribute of names, which Keras divides where it would be too long for HDF5: layer_names0, layer_names1... */
function namesOf(group: Hdf5Object, attribute: string): readonly string[] | undefined {
  const whole = group.texts(attribute);
  if (whole) return whole;
  const parts: string[] = [];
  for (let i = 0; ; i++) {
    const part = group.texts(`${attribute}${i}`);
    if (!part) return i === 0 ? undefined : parts;
    for (const name of part) parts.push(name);
  }
}

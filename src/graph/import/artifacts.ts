/** A tfjs model as it lies in its files or as `model.save` hands it to a save handler. */

import { type Bytes, bytesOf, kindOf } from "../bytes.js";
import { isObject } from "./json.js";

/**
 * One tensor of the weight data; `tf.io.WeightsManifestEntry` is one.
 *
 * Tensors lie one after another in the order of their specs, without gaps.
 */
export interface WeightSpec {
  /** "dense/kernel", with any prefix. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Of the tensor once decoded: "float32", "int32", "bool", "uint8". */
  readonly dtype: string;
  /** "optimizer" for the state of an optimizer, which is no part of the model. */
  readonly group?: string;
  /** How the file writes it, if not as `dtype`: value = code * scale + min, or half floats. */
  readonly quantization?: {
    readonly dtype: string;
    readonly scale?: number;
    readonly min?: number;
  };
}

export interface ModelArtifacts {
  /** The layers JSON as an object or as the string that `model.toJSON()` returns, or a GraphDef. */
  readonly modelTopology: unknown;
  readonly weightSpecs: readonly WeightSpec[];
  /** The shards of all groups, joined. */
  readonly weightData: Uint8Array;
  /** "layers-model" or "graph-model"; old files have none. */
  readonly format?: string;
  /** Of a graph model: names for its inputs and outputs. */
  readonly signature?: unknown;
}

/** What tfjs hands a save handler: `tf.io.ModelArtifacts` is one, and so are our own. */
export interface SavedArtifacts extends Partial<Omit<ModelArtifacts, "weightData">> {
  /** In one piece, or a buffer for each shard; views of buffers will do. */
  readonly weightData?: Bytes | readonly Bytes[];
  /** Older converters wrote the signature into it, and tfjs looks there first. */
  readonly userDefinedMetadata?: unknown;
}

/** @throws TypeError where there is no topology, or weights that are no bytes */
export function joinArtifacts(saved: SavedArtifacts): ModelArtifacts {
  const { userDefinedMetadata, ...rest } = saved;
  const { modelTopology, weightSpecs = [], weightData = new Uint8Array(0) } = rest;
  if (modelTopology === undefined) {
    throw new TypeError("artifacts: wanted a modelTopology, got none");
  }
  const signature = (isObject(userDefinedMetadata) ? userDefinedMetadata.signature : null) ?? rest.signature;
  return { ...rest, modelTopology, weightSpecs, weightData: joinBytes(weightData), signature };
}

function joinBytes(data: NonNullable<SavedArtifacts["weightData"]>): Uint8Array {
  if (!Array.isArray(data)) return plainBytes(data);
  const parts = data.map(plainBytes);
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function plainBytes(data: unknown): Uint8Array {
  const bytes = bytesOf(data);
  if (bytes) return bytes;
  const kind = kindOf(data);
  const hint = kind === "Blob" || kind === "File" ? "; await its arrayBuffer()" : "";
  throw new TypeError(
    `artifacts: wanted weightData in a buffer, a view or an array of them, got ${kind}${hint}`,
  );
}

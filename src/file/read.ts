import {
  type Bytes,
  bytesOf,
  checkGraph,
  type Graph,
  GraphError,
  kindOf,
  type Weight,
} from "../graph/index.js";
import { readContainer, type StoredTensor } from "./container.js";
import { decodeWeight } from "./decode.js";
import { codecs, type Descriptor, decodedBytes, maxExpansion, type StoredWeight } from "./descriptor.js";
import { FormatError } from "./errors.js";
import { asRecord, asString } from "./fields.js";
import { checkScale, type Outline, readOutline } from "./graph-json.js";
import { readLean } from "./lean-json.js";
import { type Provenance, readProvenance } from "./provenance.js";
import { inflate } from "./streams.js";
import { type Json, parseJson } from "./strict-json.js";

export interface ReadOptions {
  /** Bytes that the weights, and any value of the graph, may take once decoded. Default 1 GiB. */
  readonly memoryCap?: number;
  /** Where the bytes are from, for messages: a path or URL. */
  readonly source?: string;
}

export interface PareFile {
  readonly graph: Graph;
  readonly provenance: Provenance;
}

/**
 * Reads a `.pare` file, trusting nothing in it: whatever comes back is a graph that `checkGraph` passes.
 *
 * @param bytes the whole file
 * @throws FormatError whose `code` names the rule that the file breaks
 */
export async function readPare(bytes: Bytes, options: ReadOptions = {}): Promise<PareFile> {
  const memoryCap = options.memoryCap ?? 2 ** 30;
  const { outline, provenance, stored } = readHeader(bytes, options.source);
  const decoded = outline.weights.reduce((sum, descriptor) => sum + decodedBytes(descriptor), 0);
  if (decoded > memoryCap) {
    throw new FormatError("memory-cap", `weights: ${decoded} bytes pass the cap of ${memoryCap}`);
  }
  const weights = await Promise.all(stored.map(readWeight));
  const graph = { ...outline, weights: new Map(stored.map((from, i) => [from.descriptor.name, weights[i]])) };
  try {
    checkGraph(graph, { memoryCap });
  } catch (error) {
    if (error instanceof GraphError) throw new FormatError(error.code, error.message);
    throw error;
  }
  return { graph, provenance };
}

/** Reads everything but the data of the weights. */
export function readHeader(bytes: Bytes, source?: string) {
  // A Buffer of Node is a Uint8Array whose slice() does not copy.
  const plain = bytesOf(bytes);
  if (!plain) throw new TypeError(`wanted the bytes of a .pare file, got ${kindOf(bytes)}`);
  const { metadata, tensors } = readContainer(plain, source);
  if (metadata.format !== "pare") {
    throw new FormatError("format-unknown", `want format "pare", got ${JSON.stringify(metadata.format)}`);
  }
  const { version } = metadata;
  if (version !== "1" && version !== "2") {
    throw new FormatError("version-unknown", `want version "1" or "2", got ${JSON.stringify(version)}`);
  }
  const fields = asRecord(metadata, "__metadata__", ["format", "version", "graph", "provenance"]);
  const graph = parseJson(asString(fields.graph, "graph"), "graph");
  const provenance = readProvenance(asString(fields.provenance, "provenance"));
  const left = new Map(tensors);
  const { outline, stored } =
    version === "1" ? readPlain(graph, left) : readLean(graph, takeTensor(left, "data"));
  for (const name of left.keys()) throw new FormatError("tensor-unused", `tensor "${name}" is of no weight`);
  stored.forEach(checkStreams);
  return { outline, provenance, stored };
}

/** Files of version 1: names and tensors of their own for all. */
function readPlain(json: Json, tensors: Map<string, StoredTensor>) {
  const outline: Outline = readOutline(json);
  return { outline, stored: outline.weights.map((descriptor) => findWeight(descriptor, tensors)) };
}

/** Takes the tensors of a weight out of `tensors`. */
function findWeight(descriptor: Descriptor, tensors: Map<string, StoredTensor>): StoredWeight {
  const { name, dtype, codec } = descriptor;
  const streams = codecs[codec].streams.map((stream) => takeTensor(tensors, `${name}/${stream}`));
  const scale = dtype === "s8" ? takeTensor(tensors, `${name}/scale`, "F32") : new Uint8Array();
  return { descriptor, streams, scale };
}

function takeTensor(tensors: Map<string, StoredTensor>, key: string, dtype = "U8"): Uint8Array {
  const tensor = tensors.get(key);
  if (tensor === undefined) throw new FormatError("tensor-missing", `tensor "${key}" is missing`);
  if (tensor.dtype !== dtype || tensor.shape.length !== 1) {
    throw new FormatError("tensor-form", `tensor "${key}": want ${dtype} of rank 1, got ${tensor.dtype}`);
  }
  tensors.delete(key);
  return tensor.bytes;
}

/** Nothing is inflated to less than it is, and no weight is made of next to nothing. */
function checkStreams({ descriptor, streams }: StoredWeight): void {
  const { name, shape, codec, sizes } = descriptor;
  for (const [i, { length }] of streams.entries()) {
    if (length > sizes[i]) {
      throw new FormatError(
        "stream-size",
        `${name}: stream of ${length} bytes holds ${sizes[i]}: not deflated`,
      );
    }
  }
  const evidence = streams.reduce((sum, stream) => sum + stream.length, 0);
  if (codec !== "dense" && decodedBytes(descriptor) > evidence * maxExpansion) {
    throw new FormatError("sparse-evidence", `${name}: [${shape}] on the word of ${evidence} bytes`);
  }
}

async function readWeight({ descriptor, streams, scale }: StoredWeight): Promise<Weight> {
  const { name, sizes } = descriptor;
  const raw = await Promise.all(
    streams.map((stream, i) =>
      stream.length === sizes[i] ? stream.slice() : inflate(stream, sizes[i], `weight ${name}`),
    ),
  );
  // A copy, because F32 needs an offset divisible by 4. Every machine with WebAssembly is little-endian.
  const scales = new Float32Array(scale.slice().buffer);
  for (const one of scales) checkScale(one, `weight ${name}`);
  return decodeWeight(descriptor, raw, scales);
}

import { joinArtifacts, type ModelArtifacts, refuseForTfjs } from "../graph/index.js";
import { refuseHtml } from "./container.js";
import { FormatError } from "./errors.js";
import { findModel } from "./find-model.js";
import { decodeKeras, isKeras } from "./keras.js";
import { isRemote, openSource, type Source } from "./source.js";
import { decodeUtf8 } from "./utf8.js";
import { readSpec, specBytes, type WeightSpec } from "./weight-spec.js";

export interface ArtifactsOptions {
  /** Allow http and https. Default false: a path from elsewhere must not make this machine send requests. */
  readonly allowRemote?: boolean;
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Refuse of a Keras file what tfjs has not, or computes otherwise; for whoever hands it to tfjs. Default false. */
  readonly forTfjs?: boolean;
  /** Bytes that the weights may take in the shards. Default 4 GiB. */
  readonly memoryCap?: number;
}

export interface ReadArtifacts extends ModelArtifacts {
  /** SHA-256 in hex of model.json and then its shards in order, as `cat model.json shard... | sha256sum`; of a Keras file. */
  readonly sourceHash: string;
}

/** A group of the weights manifest: its shards, one after the other, are its weights. */
interface Group {
  readonly paths: readonly string[];
  readonly weights: readonly WeightSpec[];
  readonly bytes: number;
}

const maxJsonBytes = 64 * 2 ** 20;

/**
 * Reads a TensorFlow.js model, layers or graph (`model.json` and the shards beside it), or a Keras file: which of
 * them it is, its bytes tell.
 *
 * @param source path or file: URL of the model.json, `.keras` or `.h5`, or of its folder; with `allowRemote` http(s)
 *   URL of one
 * @throws FormatError import-*, container-html; for a Keras file what `readKeras` throws
 */
export async function readArtifacts(source: string, options: ArtifactsOptions = {}): Promise<ReadArtifacts> {
  const model = isRemote(source) ? source : await findModel(source);
  const files = openSource(model, options);
  const cap = options.memoryCap ?? 2 ** 32;
  const json = await files.readModel((head) => (isKeras(head) ? cap : maxJsonBytes));
  if (isKeras(json)) return inFile(model, () => openKeras(json, options));
  return readTfjs(json, model, files, cap);
}

/**
 * Reads a Keras model, `.keras` or `.h5`, of Keras 2 and 3: what it becomes, `compress`, `importModel` and
 * `tf.loadLayersModel` take.
 *
 * @param source its bytes, or what `readArtifacts` takes
 * @returns a topology as Keras 2 writes it, and weights under tfjs' names for them; without the state of an optimizer
 * @throws UnsupportedError listing layers that someone wrote, and all else that pare has not of such a model; what
 *   tfjs has not, with forTfjs
 * @throws FormatError import-*, zip-*, hdf5-*, stream-*, keras-* for what is no Keras model, or not whole
 */
export async function readKeras(
  source: string | Uint8Array | ArrayBuffer,
  options: ArtifactsOptions = {},
): Promise<ReadArtifacts> {
  const bytes = typeof source === "string" ? await readWhole(source, options) : bytesOf(source);
  const read = () => {
    if (isKeras(bytes)) return openKeras(bytes, options);
    throw new FormatError("keras-file", "want a Keras file, HDF5 or zip, got other bytes");
  };
  return typeof source === "string" ? inFile(source, read) : read();
}

function readWhole(source: string, options: ArtifactsOptions): Promise<Uint8Array> {
  return openSource(source, options).readModel(() => options.memoryCap ?? 2 ** 32);
}

function bytesOf(source: Uint8Array | ArrayBuffer): Uint8Array {
  if (!ArrayBuffer.isView(source)) return new Uint8Array(source);
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}

async function openKeras(bytes: Uint8Array, { forTfjs }: ArtifactsOptions): Promise<ReadArtifacts> {
  const artifacts = await decodeKeras(bytes);
  if (forTfjs) refuseForTfjs(artifacts);
  return { ...artifacts, sourceHash: await sha256(bytes) };
}

/** A refusal names the file. */
async function inFile<T>(source: string, take: () => Promise<T>): Promise<T> {
  try {
    return await take();
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(error.code, `${source}: ${error.message}`);
    throw error;
  }
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function readTfjs(
  json: Uint8Array,
  source: string,
  files: Source,
  cap: number,
): Promise<ReadArtifacts> {
  refuseHtml(json, source);
  const model = parseModel(json, source);
  const groups = readManifest(model.weightsManifest);
  const total = groups.reduce((sum, group) => sum + group.bytes, 0);
  if (total > cap)
    throw new FormatError("import-large", `${source}: ${total} bytes of weights, at most ${cap}`);

  const shards: Uint8Array[] = [];
  for (const group of groups) shards.push(...(await readGroup(group, files)));
  // One buffer to hash; the weights begin at a multiple of 8, so that typed arrays may lie on them.
  const begin = Math.ceil(json.length / 8) * 8;
  const all = new Uint8Array(begin + total);
  all.set(json, begin - json.length);
  let at = begin;
  for (const shard of shards) {
    all.set(shard, at);
    at += shard.length;
  }
  const { modelTopology, format, signature, userDefinedMetadata } = model;
  const artifacts = joinArtifacts({
    modelTopology,
    weightSpecs: groups.flatMap((group) => group.weights),
    weightData: all.subarray(begin),
    ...(typeof format === "string" && { format }),
    signature,
    userDefinedMetadata,
  });
  return { ...artifacts, sourceHash: await sha256(all.subarray(begin - json.length)) };
}

function parseModel(json: Uint8Array, source: string): Record<string, unknown> {
  let model: unknown;
  try {
    model = JSON.parse(textOf(json));
  } catch (error) {
    throw new FormatError("import-json", `${source}: not JSON (${(error as Error).message})`);
  }
  const topology = (model as { modelTopology?: unknown } | null)?.modelTopology;
  if (typeof topology !== "object" || topology === null) {
    throw new FormatError("import-topology", `${source}: no modelTopology: not a TensorFlow.js model.json`);
  }
  return model as Record<string, unknown>;
}

/** Without the mark that some editors begin a file with. */
function textOf(json: Uint8Array): string {
  const text = decodeUtf8(json);
  if (text === undefined) throw new SyntaxError("it is not UTF-8");
  return text.replace(/^\ufeff/, "");
}

function readManifest(manifest: unknown): Group[] {
  if (!Array.isArray(manifest)) throw new FormatError("import-manifest", "want weightsManifest, an array");
  return manifest.map((group) => {
    const { paths, weights } = (group ?? {}) as { paths?: unknown; weights?: unknown };
    if (!Array.isArray(paths) || !Array.isArray(weights)) {
      throw new FormatError("import-manifest", "a group of weightsManifest wants paths and weights");
    }
    for (const path of paths) checkPath(path);
    const specs = weights.map(readSpec);
    return { paths, weights: specs, bytes: specs.reduce((sum, spec) => sum + specBytes(spec), 0) };
  });
}

/** Only files in the folder of model.json, or below it. */
function checkPath(path: unknown): void {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw new FormatError("import-path", `weights path ${JSON.stringify(path)}: want a name`);
  }
  // A scheme also catches the drives of Windows: C:/weights.bin.
  if (/^(?:\/|[a-z][a-z0-9+.-]*:)/i.test(path)) {
    throw new FormatError("import-path-absolute", `weights path "${path}": want a relative one`);
  }
  if (path.includes("\\"))
    throw new FormatError("import-path-backslash", `weights path "${path}" has a backslash`);
  if (path.split("/").includes(".."))
    throw new FormatError("import-path-parent", `weights path "${path}" has ..`);
}

async function readGroup({ paths, bytes }: Group, files: Source): Promise<Uint8Array[]> {
  const shards: Uint8Array[] = [];
  let left = bytes;
  for (const path of paths) {
    const shard = await files.readShard(path, left);
    left -= shard.length;
    shards.push(shard);
  }
  if (left > 0) {
    throw new FormatError(
      "import-shard-short",
      `weights [${paths}]: want ${bytes} bytes, got ${bytes - left}`,
    );
  }
  return shards;
}

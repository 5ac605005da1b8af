/** From a path, URL, Response or bytes to a model that runs. */

import { FormatError, type Provenance, readPare } from "../file/index.js";
import { type Bytes, bytesOf, kindOf } from "../graph/index.js";
import { Model, type ModelOptions } from "./model.js";

export interface LoadOptions extends ModelOptions {
  /** Most bytes that the file's tensors may take in memory; default 1 GiB. */
  readonly memoryCap?: number;
}

export type LoadSource = string | URL | Response | Blob | Bytes;

/** A model out of a `.pare` file, and what the file says of its making. */
export class LoadedModel extends Model {
  readonly provenance: Provenance;

  constructor(graph: ConstructorParameters<typeof Model>[0], provenance: Provenance, options: ModelOptions) {
    super(graph, options);
    this.provenance = provenance;
  }
}

/**
 * Loads a `.pare` file.
 *
 * @param source in Node a path, file: or http(s): URL; in a browser a URL; anywhere a Response, a Blob or bytes: a
 *   buffer, shared or not, or any view of one
 * @throws FormatError with a `code` for a file that is refused; Error when it cannot be fetched or read
 */
export async function load(source: LoadSource, options: LoadOptions = {}): Promise<LoadedModel> {
  const { memoryCap, ...modelOptions } = options;
  const { bytes, name } = await fetchBytes(source);
  const { graph, provenance } = await readPare(bytes, {
    ...(memoryCap === undefined ? {} : { memoryCap }),
    ...(name === undefined ? {} : { source: name }),
  });
  return new LoadedModel(graph, provenance, modelOptions);
}

async function fetchBytes(source: LoadSource): Promise<{ bytes: Uint8Array; name?: string }> {
  const bytes = bytesOf(source);
  if (bytes) return { bytes };
  const kind = kindOf(source);
  if (kind === "Response") return readResponse(source as Response, (source as Response).url);
  if (kind === "Blob" || kind === "File") return { bytes: await bodyOf(source as Blob) };
  if (kind !== "String" && kind !== "URL") {
    throw new TypeError(`load: wanted a path, URL, Response, Blob or bytes, got ${kind}`);
  }
  const name = String(source);
  const isRemote = /^(https?|data|blob):/.test(name);
  const builtin = globalThis.process?.getBuiltinModule;
  if (!isRemote && builtin) {
    const { readFile } = builtin("node:fs/promises");
    const path = name.startsWith("file:") ? new URL(name) : name;
    return { bytes: await readFile(path), name };
  }
  return readResponse(await fetch(source as string | URL), name);
}

async function readResponse(response: Response, name: string): Promise<{ bytes: Uint8Array; name: string }> {
  if (!response.ok) {
    throw new FormatError("fetch-status", `${name}: wanted a file, the server said ${response.status}`);
  }
  return { bytes: await bodyOf(response), name };
}

async function bodyOf(source: Response | Blob): Promise<Uint8Array> {
  return new Uint8Array(await source.arrayBuffer());
}

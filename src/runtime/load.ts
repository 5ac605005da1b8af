/** From a path, URL, Response or bytes to a model that runs. */

import { FormatError, type Provenance, readPare } from "../file/index.js";
import { Model, type ModelOptions } from "./model.js";

export interface LoadOptions extends ModelOptions {
  /** Most bytes that the file's tensors may take in memory; default 1 GiB. */
  readonly memoryCap?: number;
}

export type LoadSource = string | URL | Response | ArrayBuffer | Uint8Array;

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
 * @param source in Node a path, file: or http(s): URL; in a browser a URL; anywhere a Response or bytes
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
  if (source instanceof Uint8Array) return { bytes: source };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source) };
  if (typeof Response !== "undefined" && source instanceof Response) return readResponse(source, source.url);
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw new TypeError(`load: wanted a path, URL, Response or bytes, got ${typeof source}`);
  }
  const name = String(source);
  const isRemote = /^(https?|data|blob):/.test(name);
  const builtin = globalThis.process?.getBuiltinModule;
  if (!isRemote && builtin) {
    const { readFile } = builtin("node:fs/promises");
    const path = name.startsWith("file:") ? new URL(name) : name;
    return { bytes: await readFile(path), name };
  }
  return readResponse(await fetch(source), name);
}

async function readResponse(response: Response, name: string): Promise<{ bytes: Uint8Array; name: string }> {
  if (!response.ok) {
    throw new FormatError("fetch-status", `${name}: wanted a file, the server said ${response.status}`);
  }
  return { bytes: new Uint8Array(await response.arrayBuffer()), name };
}

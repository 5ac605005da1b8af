/** MODEL on the command line: a tfjs model.json or a .pare file, by its name. */

import { createModel, FormatError, type Model, type ModelArtifacts, readArtifacts } from "../index.js";
import { type LoadedModel, load } from "../runtime.js";
import { UsageError } from "./errors.js";
import { importWith } from "./import.js";
import type { InputShapes } from "./options.js";
import { loadTfjs, tfjsPredictor } from "./peer.js";
import type { Predictor } from "./predict.js";
import { inFile, readBytes } from "./read.js";

/** Who computes a model.json: pare's own f32 kernels, or tfjs. */
export type Engine = "pare" | "tfjs";

export interface OpenOptions {
  readonly allowRemote: boolean;
  readonly engine?: Engine;
  /** For inputs whose sizes a model.json leaves open. */
  readonly inputShape?: InputShapes;
}

/** Whether a path or URL names a tfjs model; anything else is taken for a .pare file. */
export function isModelJson(path: string): boolean {
  return /\.json([?#].*)?$/i.test(path);
}

/** Opens a model to predict with it. */
export async function openPredictor(path: string, options: OpenOptions): Promise<Predictor> {
  if (options.engine !== "tfjs") return openModel(path, options);
  if (!isModelJson(path)) throw new UsageError(`${path}: tfjs runs a model.json only`);
  return tfjsPredictor(await loadTfjs(), await readArtifacts(path, options), options.inputShape);
}

/** Opens a model on pare's own runtime. */
export async function openModel(path: string, { allowRemote, inputShape }: OpenOptions): Promise<Model> {
  if (isModelJson(path)) return modelOf(await readArtifacts(path, { allowRemote }), inputShape);
  return loadPare(path, await readPareFile(path, allowRemote));
}

export function modelOf(artifacts: ModelArtifacts, inputShapes?: InputShapes): Model {
  return createModel(importWith(artifacts, inputShapes));
}

/**
 * A .pare file on pare's runtime.
 *
 * @param bytes of the file
 * @throws FormatError, GraphError, UnsupportedError that name it
 */
export function loadPare(path: string, bytes: Uint8Array): Promise<LoadedModel> {
  return inPare(path, () => load(bytes));
}

/** Takes a .pare file apart: a refusal names it, and says what it was taken for where its name does not. */
export function inPare<T>(path: string, take: () => T | Promise<T>): Promise<T> {
  return inFile(/\.pare([?#].*)?$/i.test(path) ? path : `${path}, taken for a .pare file`, take);
}

/**
 * Bytes of a .pare file.
 *
 * @throws FormatError import-remote, fetch-status
 */
export async function readPareFile(path: string, allowRemote: boolean): Promise<Uint8Array> {
  refuseRemote(path, allowRemote);
  if (!isRemote(path)) return readBytes(path);
  const response = await fetch(path);
  if (!response.ok) throw new FormatError("fetch-status", `${path}: the server said ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function refuseRemote(path: string, allowRemote: boolean): void {
  if (allowRemote || !isRemote(path)) return;
  throw new FormatError("import-remote", `${path}: reading from the network needs --allow-remote`);
}

function isRemote(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

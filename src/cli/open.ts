/** MODEL on the command line: a tfjs model.json, a Keras file or a .pare file, told apart by their bytes. */

import { open } from "node:fs/promises";
import {
  createModel,
  detectFormat,
  FormatError,
  type Model,
  type ModelArtifacts,
  type ModelFormat,
  readArtifacts,
} from "../index.js";
import { type LoadedModel, load } from "../runtime.js";
import { UsageError } from "./errors.js";
import { importWith } from "./import.js";
import type { InputShapes } from "./options.js";
import { loadTfjs, tfjsPredictor } from "./peer.js";
import type { Predictor } from "./predict.js";
import { inFile, readBytes } from "./read.js";

/** Who computes a model of tfjs or Keras: pare's own f32 kernels, or tfjs. */
export type Engine = "pare" | "tfjs";

export interface OpenOptions {
  readonly allowRemote: boolean;
  readonly engine?: Engine;
  /** For inputs whose sizes the model leaves open. */
  readonly inputShape?: InputShapes;
}

/**
 * What the file of a model is; what cannot be told by its bytes, or read, goes by its name, and is taken for a .pare
 * file where that says nothing either.
 *
 * @throws FormatError import-remote, fetch-status
 */
export async function formatOf(path: string, allowRemote: boolean): Promise<ModelFormat> {
  const head = isRemote(path) ? await remoteHead(path, allowRemote) : await localHead(path);
  return (head && detectFormat(head)) ?? formatByName(path);
}

/** As the end of its name says. */
export function formatByName(path: string): ModelFormat {
  if (/\.json([?#].*)?$/i.test(path)) return "tfjs";
  return /\.(?:keras|h5|hdf5)([?#].*)?$/i.test(path) ? "keras" : "pare";
}

const headBytes = 4096;

/** The first bytes; undefined where there is no such file, which its reader says. */
async function localHead(path: string): Promise<Uint8Array | undefined> {
  const file = await open(path.startsWith("file:") ? new URL(path) : path).catch(() => undefined);
  try {
    const read = await file?.read(new Uint8Array(headBytes), 0, headBytes, 0);
    return read?.buffer.subarray(0, read.bytesRead);
  } catch {
    // A folder.
    return undefined;
  } finally {
    await file?.close();
  }
}

async function remoteHead(path: string, allowRemote: boolean): Promise<Uint8Array | undefined> {
  refuseRemote(path, allowRemote);
  const reader = (await fetch(path)).body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  await reader?.cancel();
  return value;
}

/** Opens a model to predict with it. */
export async function openPredictor(path: string, options: OpenOptions): Promise<Predictor> {
  if (options.engine !== "tfjs") return openModel(path, options);
  if ((await formatOf(path, options.allowRemote)) === "pare") {
    throw new UsageError(`${path}: tfjs runs a model.json or a Keras file only`);
  }
  return tfjsPredictor(
    await loadTfjs(),
    await readArtifacts(path, { ...options, forTfjs: true }),
    options.inputShape,
  );
}

/** Opens a model on pare's own runtime. */
export async function openModel(path: string, { allowRemote, inputShape }: OpenOptions): Promise<Model> {
  if ((await formatOf(path, allowRemote)) !== "pare") {
    return modelOf(await readArtifacts(path, { allowRemote }), inputShape);
  }
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

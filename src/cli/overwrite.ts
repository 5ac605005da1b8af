/** Where outputs may go: looked at before the work, not after it. */

import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "./errors.js";
import { picturesWithin } from "./images.js";
import { formatOf } from "./open.js";

/**
 * @param output a path that is about to be written
 * @param inputs paths, URLs or NAME=PATH that are read, of models with their shards, of folders with their pictures
 * @throws UsageError where the output is one of the files that are read, by whatever name
 */
export async function refuseOverwrite(
  output: string,
  inputs: readonly (string | undefined)[],
): Promise<void> {
  const target = await realpath(output).catch(() => undefined);
  if (target === undefined) return;
  for (const input of inputs) {
    if (input === undefined) continue;
    const names = new Set([input, input.slice(input.indexOf("=") + 1)]);
    const files = (await Promise.all([...names].map(filesOf))).flat();
    const paths = await Promise.all(files.map((file) => realpath(file).catch(() => undefined)));
    if (paths.includes(target))
      throw new UsageError(`${output}: wanted another file to write than the input ${input}`);
  }
}

/** Whatever is read of an input. */
async function filesOf(input: string): Promise<string[]> {
  const path = input.startsWith("file:") ? fileURLToPath(input) : input;
  const isTfjs = (await formatOf(path, false).catch(() => undefined)) === "tfjs";
  return [path, ...(await (isTfjs ? shardsOf(path) : picturesWithin(path)))];
}

/** Shards that a model.json names; none where it is not one, which its reader tells. */
async function shardsOf(path: string): Promise<string[]> {
  try {
    const { weightsManifest } = JSON.parse(await readFile(path, "utf8")) as {
      weightsManifest: { paths: string[] }[];
    };
    return weightsManifest.flatMap(({ paths }) => paths.map((name) => join(dirname(path), name)));
  } catch {
    return [];
  }
}

/** @throws UsageError where there is no folder for a path to be written */
export async function wantFolderOf(output: string): Promise<void> {
  const folder = dirname(output);
  if ((await stat(folder).catch(() => undefined))?.isDirectory()) return;
  throw new UsageError(`${output}: wanted a folder ${folder}, got none`);
}

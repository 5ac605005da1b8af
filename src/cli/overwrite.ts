/** Where outputs may go: looked at before the work, not after it. */

import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { UsageError } from "./errors.js";

/**
 * @param output a path that is about to be written
 * @param inputs paths, URLs or NAME=PATH that were read
 * @throws UsageError where the output is one of the inputs, by whatever name
 */
export async function refuseOverwrite(
  output: string,
  inputs: readonly (string | undefined)[],
): Promise<void> {
  const target = await realpath(output).catch(() => undefined);
  if (target === undefined) return;
  for (const input of inputs) {
    if (input === undefined) continue;
    const names = [input, input.slice(input.indexOf("=") + 1)];
    const paths = await Promise.all(names.map((name) => realpath(name).catch(() => undefined)));
    if (paths.includes(target))
      throw new UsageError(`${output}: wanted another file to write than the input ${input}`);
  }
}

/** @throws UsageError where there is no folder for a path to be written */
export async function wantFolderOf(output: string): Promise<void> {
  const folder = dirname(output);
  if ((await stat(folder).catch(() => undefined))?.isDirectory()) return;
  throw new UsageError(`${output}: wanted a folder ${folder}, got none`);
}

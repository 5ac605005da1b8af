/** Outputs that would take the place of what they are made of. */

import { realpath } from "node:fs/promises";
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

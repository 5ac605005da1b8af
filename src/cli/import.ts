/** From a model.json to a graph, where what a user may give is a flag. */

import { type ImportedGraph, importModel, type ModelArtifacts } from "../index.js";
import type { InputShapes } from "./options.js";

/**
 * `importModel` for commands with `--input-shape`.
 *
 * @throws what it throws, with the flag in place of the option of the API
 */
export function importWith(artifacts: ModelArtifacts, inputShapes: InputShapes = {}): ImportedGraph {
  try {
    return importModel(artifacts, { inputShapes });
  } catch (error) {
    if (error instanceof RangeError) error.message = withFlag(error.message);
    throw error;
  }
}

function withFlag(message: string): string {
  return message
    .replace(/inputShapes: \{ (".*"): \[(.*)\] \}/, (_, name: string, sizes: string) => {
      return `--input-shape ${JSON.parse(name)}=${sizes.replaceAll(", ", ",")}`;
    })
    .replaceAll("inputShapes", "--input-shape");
}

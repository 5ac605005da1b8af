/** What a model's file is, by its bytes: names say little. */

import { isKeras } from "./keras.js";

/** A tfjs model.json, a Keras file (HDF5 or zip), or a `.pare` file. */
export type ModelFormat = "tfjs" | "keras" | "pare";

/**
 * @param head the first bytes of a file, a few hundred at least where it has as many
 * @returns undefined for what is none of them
 */
export function detectFormat(head: Uint8Array): ModelFormat | undefined {
  if (isKeras(head)) return "keras";
  // A header of JSON after its length, of which the upper half of 64 bits is 0; no text has such bytes.
  if (head[8] === brace && head.subarray(4, 8).every((byte) => byte === 0)) return "pare";
  return /^\ufeff?\s*\{/.test(new TextDecoder().decode(head)) ? "tfjs" : undefined;
}

const brace = "{".charCodeAt(0);

/** Files as commands read them: what goes wrong there says in which. */

import { readFile } from "node:fs/promises";
import { isRefusal } from "./errors.js";

/**
 * Bytes of a file.
 *
 * @param path or file: URL
 * @throws what node:fs throws, with the path, which it leaves out of what a folder gives
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path.startsWith("file:") ? new URL(path) : path).catch((error) => {
    throw Object.assign(error, { path });
  });
  return new Uint8Array(bytes);
}

/** Takes bytes apart that are of a file: a refusal names it. */
export async function inFile<T>(path: string, take: () => T | Promise<T>): Promise<T> {
  try {
    return await take();
  } catch (error) {
    if (isRefusal(error) && !error.message.includes(path)) error.message = `${path}: ${error.message}`;
    throw error;
  }
}

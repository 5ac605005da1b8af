// What the tests of this folder share.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { FormatError } from "../../src/file/errors.js";

/** The folder of real data, or null, after one line that says so, where this checkout has none. */
export function sharedData(name: string): string | null {
  const folder = fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url));
  if (existsSync(folder)) return folder;
  console.warn(`skipped: real data, no folder ${folder}`);
  return null;
}

/** Expects a FormatError of exactly this code. */
export function expectRefusal(code: string, act: () => unknown): void {
  expect(codeOf(act), code).toBe(code);
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof FormatError ? error.code : `no FormatError but ${String(error)}`;
  }
  return "accepted";
}

/** Expects a promise to be refused with a FormatError of exactly this code; returns its message. */
export async function expectRejection(code: string, promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error("accepted"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FormatError);
  expect((error as FormatError).code).toBe(code);
  return (error as FormatError).message;
}

/** FNV-1a of some bytes, as 8 hex digits. */
export function hashOf(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

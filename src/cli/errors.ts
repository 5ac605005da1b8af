/** From what went wrong to the exit code. */

import { CommanderError } from "commander";

export const exitCodes = { fine: 0, failure: 1, usage: 2, refused: 3, gate: 4, interrupted: 130 } as const;

/** Options that do not go together, or that a file makes wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A quality gate was missed: exit code 4. */
export class GateError extends Error {
  override readonly name = "GateError";
}

// By name: a bundle may hold more than one copy of a class.
const refusals: ReadonlySet<string> = new Set(["FormatError", "GraphError", "UnsupportedError"]);

/** Whether a file was not what it should be. */
export function isRefusal(error: unknown): error is Error {
  return refusals.has((error as Error | null)?.name ?? "");
}

export function exitCodeOf(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) return exitCodes.interrupted;
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage;
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof GateError) return exitCodes.gate;
  // A model.json that is not there is no refusal, just as a .pare that is not there.
  if ((error as { code?: unknown } | null)?.code === "import-missing") return exitCodes.failure;
  return isRefusal(error) ? exitCodes.refused : exitCodes.failure;
}

/** What to tell the user, or nothing where it was told already. */
export function messageOf(error: unknown, signal: AbortSignal): string | undefined {
  if (signal.aborted) return "interrupted";
  // Commander has written its own.
  if (error instanceof CommanderError) return undefined;
  const { name, message, code } = error as Error & { code?: unknown };
  if (name === "FormatError" || name === "GraphError")
    return `refused (${String(code)}): ${message}`.replace(/\s+/g, " ");
  const path = (error as { path?: unknown }).path;
  if (typeof path === "string" && Object.hasOwn(diskErrors, String(code))) {
    return `${path}: ${diskErrors[String(code)]}`;
  }
  return message ?? String(error);
}

const diskErrors: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EISDIR: "wanted a file, got a folder",
  EACCES: "not allowed",
  ENOSPC: "no space left on the disk",
  EDQUOT: "no space left of the disk quota",
  EFBIG: "larger than a file may be here",
  EROFS: "the file system is read-only",
};

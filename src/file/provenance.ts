import { FormatError } from "./errors.js";
import { asNumber, asObject, asRecord, asString } from "./fields.js";
import { type Json, parseJson } from "./strict-json.js";

/** Where a file is from. Plain JSON; other keys than these are kept as they are. */
export interface Provenance {
  /** Versions of what made it: `pare` and, say, `node`. */
  readonly versions: { readonly pare: string; readonly [name: string]: string };
  /** The recipe it was compressed by. */
  readonly recipe?: unknown;
  /** SHA-256 of the source model, in hex. */
  readonly sourceHash?: string;
  /** When it was made. Given by the caller, so that the same input makes the same bytes. */
  readonly created?: string;
  readonly accuracy?: { readonly before?: number; readonly after?: number };
  readonly [key: string]: unknown;
}

/** Characters of JSON. */
const maxLength = 2 ** 20;

/** @throws FormatError provenance-large, provenance-hash, json-*, field-* */
export function readProvenance(text: string): Provenance {
  if (text.length > maxLength) {
    throw new FormatError("provenance-large", `provenance: want at most ${maxLength} characters`);
  }
  const provenance = asObject(parseJson(text, "provenance"), "provenance");
  const versions = asObject(provenance.versions, "provenance: versions");
  for (const name of ["pare", ...Object.keys(versions)]) asString(versions[name], `version of ${name}`);
  const { sourceHash, created, accuracy } = provenance;
  if (sourceHash !== undefined && !/^[0-9a-f]{64}$/.test(asString(sourceHash, "provenance: sourceHash"))) {
    throw new FormatError("provenance-hash", "provenance: want a sourceHash of 64 hex digits");
  }
  if (created !== undefined) asString(created, "provenance: created");
  if (accuracy !== undefined) {
    const figures = asRecord(accuracy, "provenance: accuracy", [], ["before", "after"]);
    for (const key in figures) asNumber(figures[key] as Json, `provenance: accuracy.${key}`);
  }
  return provenance as unknown as Provenance;
}

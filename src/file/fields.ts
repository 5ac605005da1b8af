import { FormatError } from "./errors.js";
import { isForbiddenName, type Json, type JsonObject } from "./strict-json.js";

/** Reads of parsed JSON that check the type: a wrong one is a FormatError, never a TypeError later on. */

function wrong(what: string, want: string, got: unknown): FormatError {
  const shown = JSON.stringify(got) ?? "nothing";
  return new FormatError("json-type", `${what}: want ${want}, got ${shown.slice(0, 60)}`);
}

/** An object with any keys. */
export function asObject(value: Json | undefined, what: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong(what, "an object", value);
  return value as JsonObject;
}

/** An object that has all of `required`, maybe some of `optional`, and nothing else. */
export function asRecord(
  value: Json | undefined,
  what: string,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  const object = asObject(value, what);
  for (const key of required) {
    if (!(key in object)) throw new FormatError("field-missing", `${what}: "${key}" is missing`);
  }
  for (const key in object) {
    if (!required.includes(key) && !optional.includes(key)) {
      throw new FormatError("field-unknown", `${what}: "${key.slice(0, 60)}" is not a field`);
    }
  }
  return object;
}

export function asArray(value: Json | undefined, what: string): readonly Json[] {
  if (!Array.isArray(value)) throw wrong(what, "an array", value);
  return value;
}

export function asString(value: Json | undefined, what: string): string {
  if (typeof value !== "string") throw wrong(what, "a string", value);
  return value;
}

export function asNumber(value: Json | undefined, what: string): number {
  if (typeof value !== "number") throw wrong(what, "a number", value);
  return value;
}

/** A string that will name a value, a role or a weight. */
export function asName(value: Json | undefined, what: string): string {
  const name = asString(value, what);
  if (isForbiddenName(name)) {
    throw new FormatError("json-forbidden-name", `${what}: "${name}" may not be a name`);
  }
  return name;
}

/** An integer from 0 to 2^53 - 1. */
export function asSize(value: Json | undefined, what: string): number {
  const number = asNumber(value, what);
  if (number < 0) throw new FormatError("number-negative", `${what}: want >= 0, got ${number}`);
  if (!Number.isInteger(number)) {
    throw new FormatError("number-fractional", `${what}: want an integer, got ${number}`);
  }
  return number;
}

/** Sizes of at most 8 dimensions. */
export function asSizes(value: Json | undefined, what: string): readonly number[] {
  const list = asArray(value, what);
  if (list.length > 8) throw new FormatError("layout-rank", `${what}: want rank <= 8, got ${list.length}`);
  return list.map((size) => asSize(size, what));
}

/** Product of sizes and of the bytes of an element. */
export function byteSize(shape: readonly number[], elementBytes: number, what: string): number {
  // A zero must not hide an overflow before it: sizes are multiplied as if they were at least 1.
  let bound = elementBytes;
  for (const size of shape) {
    bound *= Math.max(size, 1);
    if (bound > Number.MAX_SAFE_INTEGER) {
      throw new FormatError("layout-overflow", `${what}: shape [${shape}] overflows 2^53 bytes`);
    }
  }
  return shape.includes(0) ? 0 : bound;
}

/** JSON that people write by hand: every key is known and every value what is wanted, or an error says which. */

import { FormatError } from "../index.js";
import { readBytes } from "./read.js";

/** Where in which file: "recipe.json", "data.train.x". */
export interface Place {
  readonly file: string;
  readonly key: string;
}

/** @throws FormatError recipe-key, recipe-value */
export type Check = (value: unknown, place: Place) => void;

export type Fields = Readonly<Record<string, Check>>;

export const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);

/** @param words what to say is wanted */
export function wanted(words: string, valid: (value: unknown) => boolean): Check {
  return (value, place) => {
    if (!valid(value)) throw refused(place, words, JSON.stringify(value));
  };
}

export function oneOf(...words: readonly string[]): Check {
  return wanted(`one of ${words.join(", ")}`, (value) => words.includes(value as string));
}

export const finite = wanted("a number", isNumber);
export const positive = wanted("a number above 0", (v) => isNumber(v) && v > 0);
export const notNegative = wanted("a number of at least 0", (v) => isNumber(v) && v >= 0);
export const share = wanted("a number from 0 to 1", (v) => isNumber(v) && v >= 0 && v <= 1);
/** Of zeros: a kernel of zeros alone is none. */
export const sparsity = wanted("a number from 0 to below 1", (v) => isNumber(v) && v >= 0 && v < 1);
export const integer = wanted("an integer", Number.isSafeInteger);
export const count = wanted("an integer of at least 1", (v) => Number.isSafeInteger(v) && (v as number) >= 1);
export const yesOrNo = wanted("true or false", (value) => typeof value === "boolean");
export const text = wanted("some text", (value) => typeof value === "string" && value !== "");

export function listOf(check: Check): Check {
  return (value, place) => {
    if (!Array.isArray(value) || value.length === 0)
      throw refused(place, "a list of at least one", JSON.stringify(value));
    value.forEach((item, i) => {
      check(item, { ...place, key: `${place.key}[${i}]` });
    });
  };
}

/** An object of any keys. */
export function mapOf(check: Check): Check {
  return (value, place) => {
    for (const [key, item] of Object.entries(objectAt(value, place))) check(item, inside(place, key));
  };
}

/** An object of these keys and no others. */
export function object(required: Fields, optional: Fields = {}): Check {
  const known = { ...required, ...optional };
  return (value, place) => {
    const given = objectAt(value, place);
    for (const [key, item] of Object.entries(given)) {
      if (!Object.hasOwn(known, key)) {
        const keys = Object.keys(known).join(", ");
        throw new FormatError("recipe-key", `${nameOf(place)}: wanted ${keys}, got ${JSON.stringify(key)}`);
      }
      known[key](item, inside(place, key));
    }
    const missing = Object.keys(required).find((key) => !Object.hasOwn(given, key));
    if (missing !== undefined) {
      throw new FormatError("recipe-key", `${nameOf(place)}: wanted ${missing}, got no such key`);
    }
  };
}

/** An object whose `key` says which of several checks it is for. */
export function variants(key: string, checks: Readonly<Record<string, Check>>): Check {
  const which = oneOf(...Object.keys(checks));
  return (value, place) => {
    const name = objectAt(value, place)[key];
    which(name, inside(place, key));
    checks[name as string](value, place);
  };
}

/** The first check that goes by the kind of value: what is text, or what is a number; else the other. */
export function either(kind: "string" | "number", first: Check, other: Check): Check {
  return (value, place) => (typeof value === kind ? first : other)(value, place);
}

/** @throws FormatError recipe-value */
export function refused(place: Place, words: string, got: string): FormatError {
  return new FormatError("recipe-value", `${nameOf(place)}: wanted ${words}, got ${got}`);
}

/**
 * Reads a file.
 *
 * @throws FormatError recipe-json, and those of the check
 */
export async function readStrict(path: string, check: Check): Promise<unknown> {
  const source = new TextDecoder().decode(await readBytes(path));
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    throw new FormatError("recipe-json", `${path}: not JSON (${(error as Error).message})`);
  }
  if (!isObject(value)) {
    throw new FormatError("recipe-json", `${path}: wanted an object, got ${JSON.stringify(value)}`);
  }
  check(value, { file: path, key: "" });
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectAt(value: unknown, place: Place): Record<string, unknown> {
  if (!isObject(value)) throw refused(place, "an object", JSON.stringify(value) ?? "nothing");
  return value;
}

function inside({ file, key }: Place, name: string): Place {
  return { file, key: key === "" ? name : `${key}.${name}` };
}

function nameOf({ file, key }: Place): string {
  return key === "" ? file : `${file}: ${key}`;
}

/** JSON that people write by hand: every key is known and every value what is wanted, or an error says which. */

import { FormatError } from "../index.js";
import type { JsonSchema } from "./json-schema.js";
import { readBytes } from "./read.js";

/** Where in which file: "recipe.json", "data.train.x". */
export interface Place {
  readonly file: string;
  readonly key: string;
}

/** A function that throws FormatError recipe-key, recipe-value, and what it accepts as a JSON Schema. */
export type Check = ((value: unknown, place: Place) => void) & {
  /** Anything unless given: never narrower than the check. */
  readonly schema?: JsonSchema;
};

function withSchema(check: (value: unknown, place: Place) => void, schema: JsonSchema): Check {
  return Object.assign(check, { schema });
}

const schemaOf = ({ schema = {} }: Check): JsonSchema => schema;

export type Fields = Readonly<Record<string, Check>>;

export const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value);

/**
 * @param words what to say is wanted
 * @param schema of the values that are valid, which may leave to the check what it cannot say
 */
export function wanted(words: string, valid: (value: unknown) => boolean, schema: JsonSchema = {}): Check {
  return withSchema((value, place) => {
    if (!valid(value)) throw refused(place, words, JSON.stringify(value));
  }, schema);
}

export function oneOf(...words: readonly string[]): Check {
  return wanted(`one of ${words.join(", ")}`, (value) => words.includes(value as string), { enum: words });
}

export const finite = wanted("a number", isNumber, { type: "number" });
/** The factor of all data: with 0 every sample would be the same. */
export const factor = wanted("a number that is not 0", (v) => isNumber(v) && v !== 0, {
  type: "number",
  not: { const: 0 },
});
export const positive = wanted("a number above 0", (v) => isNumber(v) && v > 0, {
  type: "number",
  exclusiveMinimum: 0,
});
export const notNegative = wanted("a number of at least 0", (v) => isNumber(v) && v >= 0, {
  type: "number",
  minimum: 0,
});
export const share = wanted("a number from 0 to 1", (v) => isNumber(v) && v >= 0 && v <= 1, {
  type: "number",
  minimum: 0,
  maximum: 1,
});
/** Of something that cannot be had whole: a kernel of zeros alone is none, and a layer without inputs. */
export const sparsity = wanted("a number from 0 to below 1", (v) => isNumber(v) && v >= 0 && v < 1, {
  type: "number",
  minimum: 0,
  exclusiveMaximum: 1,
});
export const positiveShare = wanted("a share above 0, up to 1", (v) => isNumber(v) && v > 0 && v <= 1, {
  type: "number",
  exclusiveMinimum: 0,
  maximum: 1,
});
export const integer = wanted("an integer", Number.isSafeInteger, { type: "integer" });
export const count = wanted(
  "an integer of at least 1",
  (v) => Number.isSafeInteger(v) && (v as number) >= 1,
  { type: "integer", minimum: 1 },
);
export const yesOrNo = wanted("true or false", (value) => typeof value === "boolean", { type: "boolean" });
export const text = wanted("some text", (value) => typeof value === "string" && value !== "", {
  type: "string",
  minLength: 1,
});

export function listOf(check: Check): Check {
  return withSchema(
    (value, place) => {
      if (!Array.isArray(value) || value.length === 0)
        throw refused(place, "a list of at least one", JSON.stringify(value));
      value.forEach((item, i) => {
        check(item, { ...place, key: `${place.key}[${i}]` });
      });
    },
    { type: "array", minItems: 1, items: schemaOf(check) },
  );
}

/** An object of any keys. */
export function mapOf(check: Check): Check {
  return withSchema(
    (value, place) => {
      for (const [key, item] of Object.entries(objectAt(value, place))) check(item, inside(place, key));
    },
    { type: "object", additionalProperties: schemaOf(check) },
  );
}

/** An object of these keys and no others. */
export function object(required: Fields, optional: Fields = {}): Check {
  const known = { ...required, ...optional };
  const check = (value: unknown, place: Place): void => {
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
  const properties = Object.fromEntries(Object.entries(known).map(([key, field]) => [key, schemaOf(field)]));
  return withSchema(check, {
    type: "object",
    properties,
    required: Object.keys(required),
    additionalProperties: false,
  });
}

/** An object whose `key` says which of several checks it is for. */
export function variants(key: string, checks: Readonly<Record<string, Check>>): Check {
  const which = oneOf(...Object.keys(checks));
  const ofOne = ([name, check]: [string, Check]): JsonSchema => {
    const { properties, ...schema } = schemaOf(check);
    return { title: name, ...schema, properties: { ...properties, [key]: { const: name } } };
  };
  return withSchema(
    (value, place) => {
      const name = objectAt(value, place)[key];
      which(name, inside(place, key));
      checks[name as string](value, place);
    },
    { anyOf: Object.entries(checks).map(ofOne) },
  );
}

/** An object for the check of the first of these keys that it has; else for the other. */
export function byKey(checks: Readonly<Record<string, Check>>, other: Check): Check {
  return withSchema(
    (value, place) => {
      const key = Object.keys(checks).find((name) => name in Object(value));
      (key === undefined ? other : checks[key])(value, place);
    },
    { anyOf: [...Object.values(checks), other].map(schemaOf) },
  );
}

/** The first check that goes by the kind of value: what is text, or what is a number; else the other. */
export function either(kind: "string" | "number", first: Check, other: Check): Check {
  const { anyOf = [schemaOf(other)] } = schemaOf(other);
  return withSchema(
    (value, place) => {
      (typeof value === kind ? first : other)(value, place);
    },
    { anyOf: [schemaOf(first), ...anyOf] },
  );
}

/** @throws FormatError recipe-value */
export function refused(place: Place, words: string, got: string): FormatError {
  return new FormatError("recipe-value", `${nameOf(place)}: wanted ${words}, got ${got}`);
}

/**
 * Reads a file. A key "$schema", by which editors find out what may be in it, is left out.
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
  const { $schema = "", ...settings } = value;
  const place = { file: path, key: "" };
  if (typeof $schema !== "string") {
    throw refused(inside(place, "$schema"), "a path or a URL", JSON.stringify($schema));
  }
  check(settings, place);
  return settings;
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

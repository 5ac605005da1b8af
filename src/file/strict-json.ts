import { FormatError } from "./errors.js";

/** What JSON can say. Objects read by `parseJson` have no prototype. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Containers inside containers that `parseJson` follows. */
const maxDepth = 32;

/** Names that mean something to JavaScript objects, so that no key and no name of a graph may be one. */
export function isForbiddenName(name: string): boolean {
  return name === "__proto__" || name === "constructor" || name === "prototype";
}

/**
 * Reads JSON from a source that is not trusted. Stricter than `JSON.parse`, which keeps the last of two
 * equal keys (so that two readers of one file can see two files) and rounds numbers silently.
 *
 * @param text the JSON
 * @param what what it is, for messages
 * @throws FormatError json-syntax, json-duplicate-key, json-forbidden-name, json-depth, json-number
 */
export function parseJson(text: string, what: string): Json {
  const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
  const space = /[ \t\n\r]*/y;
  let at = 0;

  const value = (depth: number): Json => {
    if (depth > maxDepth) {
      throw new FormatError("json-depth", `${what}: nested deeper than ${maxDepth} at character ${at}`);
    }
    const first = peek();
    if (first === "{") return object(depth);
    if (first === "[") return array(depth);
    if (first === '"') return string();
    for (const word of [null, true, false]) {
      if (text.startsWith(`${word}`, at)) {
        at += `${word}`.length;
        return word;
      }
    }
    number.lastIndex = at;
    const digits = number.exec(text)?.[0];
    if (digits === undefined) throw syntax("a value");
    at += digits.length;
    // Beyond this, neighbouring integers are the same double: 2^53 + 1 would read as 2^53.
    if (Math.abs(+digits) > Number.MAX_SAFE_INTEGER) {
      throw new FormatError("json-number", `${what}: number ${digits.slice(0, 40)} is beyond 2^53 - 1`);
    }
    return +digits;
  };

  const object = (depth: number): JsonObject => {
    const result: Record<string, Json> = Object.create(null);
    at++;
    if (peek() === "}") return skip(result);
    for (;;) {
      if (peek() !== '"') throw syntax("a key");
      const key = string();
      if (isForbiddenName(key)) {
        throw new FormatError("json-forbidden-name", `${what}: "${key}" may not be a name`);
      }
      if (key in result) throw new FormatError("json-duplicate-key", `${what}: key "${key}" is there twice`);
      if (peek() !== ":") throw syntax('":"');
      at++;
      result[key] = value(depth + 1);
      const next = peek();
      if (next === "}") return skip(result);
      if (next !== ",") throw syntax('"," or "}"');
      at++;
    }
  };

  const array = (depth: number): Json[] => {
    const result: Json[] = [];
    at++;
    if (peek() === "]") return skip(result);
    for (;;) {
      result.push(value(depth + 1));
      const next = peek();
      if (next === "]") return skip(result);
      if (next !== ",") throw syntax('"," or "]"');
      at++;
    }
  };

  // Not one regular expression: on strings of megabytes its backtracking stack overflows.
  const string = (): string => {
    let end = at + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    try {
      const result: string = JSON.parse(text.slice(at, end + 1));
      at = end + 1;
      return result;
    } catch {
      throw syntax("a string");
    }
  };

  const skip = <T>(result: T): T => {
    at++;
    return result;
  };
  const peek = (): string | undefined => {
    space.lastIndex = at;
    at += space.exec(text)?.[0].length ?? 0;
    return text[at];
  };
  const syntax = (want: string) =>
    new FormatError("json-syntax", `${what}: want ${want} at character ${at}, got ${text[at] ?? "the end"}`);

  const result = value(1);
  if (peek() !== undefined) throw syntax("the end");
  return result;
}

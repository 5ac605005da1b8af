/** Reading JSON that nobody promised anything about, in Python's or tfjs' spelling of names. */

export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws TypeError naming `what` */
export function asObject(value: unknown, what: string): Json {
  if (isObject(value)) return value;
  throw new TypeError(`${what}: wanted an object, got ${describe(value)}`);
}

/** @throws TypeError naming `what` */
export function asArray(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`${what}: wanted an array, got ${describe(value)}`);
}

/** @throws TypeError naming `what` */
export function asString(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${what}: wanted a string, got ${describe(value)}`);
}

export function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** "hard_sigmoid", "hardSigmoid" -> "hardSigmoid". */
export function toCamel(name: string): string {
  return name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * An option of a layer, under its camelCase name or as snake_case.
 *
 * @returns undefined where it is absent or null, which Keras uses alike
 */
export function option(config: Json, name: string): unknown {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  for (const key of [name, snake]) {
    if (Object.hasOwn(config, key) && config[key] !== null) return config[key];
  }
  return undefined;
}

/** @throws TypeError where it is there and no number */
export function numberOption(config: Json, name: string): number | undefined {
  const value = option(config, name);
  if (value === undefined || typeof value === "number") return value;
  throw new TypeError(`${describe(config.name)}: ${name} wants a number, got ${describe(value)}`);
}

/**
 * A boolean, or 0 or 1 as some writers have it.
 *
 * @throws TypeError where it is there and none of these
 */
export function booleanOption(config: Json, name: string, initial: boolean): boolean {
  const value = option(config, name) ?? initial;
  if (typeof value === "boolean") return value;
  if (value === 0 || value === 1) return value === 1;
  throw new TypeError(`${describe(config.name)}: ${name} wants a boolean, got ${describe(value)}`);
}

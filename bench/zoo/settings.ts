/** The command line of `npm run study -- fidelity`. */

import { readFileSync } from "node:fs";
import type { MethodOptions, ModelRow } from "./measure.js";

export const usage = `fidelity [--only NAME,..] [--set KEY=VALUE].. [--options JSON] [--compare FILE]
         [--against FILE] [--json FILE] [--layers] [--no-plain] [--quick]
  --only      models whose names contain one of these; shared and generated are the families
  --set       an option of compress: --set activations=mse --set biasCorrection=false
  --options   the same as an object of JSON
  --compare   a file {"name": {options}, ..}: each in columns of its own, with --set and --options beneath
  --against   rows of an earlier run in columns before today's
  --json      where rows go
  --layers    per layer, how far its value is from f32 and what the layer itself adds
  --no-plain  without the columns of plain min-max beside generated nets
  --quick     a quarter of the models, as a smoke test`;

/** A method to try: options of compress by a name. */
export interface Setting {
  readonly name: string;
  readonly options: MethodOptions;
}

/** A method tried: what `--json` writes and `--against` reads. */
export interface Tried extends Setting {
  readonly rows: ModelRow[];
}

export interface Arguments {
  readonly only: readonly string[];
  readonly settings: readonly Setting[];
  readonly against: readonly Tried[];
  readonly json: string | undefined;
  readonly withLayers: boolean;
  readonly withPlain: boolean;
  readonly isQuick: boolean;
}

/** @throws RangeError for a word that `usage` does not name */
export function parseArguments(words: readonly string[]): Arguments {
  let only: readonly string[] = [];
  let options: Record<string, unknown> = {};
  let methods: Readonly<Record<string, object>> | undefined;
  let against: readonly Tried[] = [];
  let json: string | undefined;
  let [withLayers, withPlain, isQuick] = [false, true, false];
  const rest = [...words];
  const next = (word: string): string => {
    const value = rest.shift();
    if (value === undefined) throw new RangeError(`${word}: wanted a value, got nothing\nusage: ${usage}`);
    return value;
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--only") only = next(word).split(",");
    else if (word === "--set") options = { ...options, ...pairOf(next(word)) };
    else if (word === "--options") options = { ...options, ...(parse(word, next(word)) as object) };
    else if (word === "--compare") methods = readJson(next(word)) as Record<string, object>;
    else if (word === "--against") against = readJson(next(word)) as Tried[];
    else if (word === "--json") json = next(word);
    else if (word === "--layers") withLayers = true;
    else if (word === "--no-plain") withPlain = false;
    else if (word === "--quick") isQuick = true;
    else throw new RangeError(`unknown word ${word}\nusage: ${usage}`);
  }
  const own = Object.keys(options).length === 0 ? "default" : nameOf(options);
  const settings = Object.entries(methods ?? { [own]: {} }).map(([name, others]) => ({
    name,
    options: { ...options, ...others },
  }));
  return { only, settings, against: against.map(asBefore), json, withLayers, withPlain, isQuick };
}

const asBefore = (tried: Tried): Tried => ({ ...tried, name: `before: ${tried.name}` });

const nameOf = (options: object): string =>
  Object.entries(options)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");

function pairOf(word: string): Record<string, unknown> {
  const [key, ...value] = word.split("=");
  if (value.length === 0) throw new RangeError(`--set: wanted KEY=VALUE, got ${word}`);
  const text = value.join("=");
  // true, 99.9 and ["conv"] are JSON; a bare word is itself.
  return { [key]: /^(true|false|[-+\d[{].*)$/.test(text) ? parse("--set", text) : text };
}

const readJson = (path: string): unknown => parse(path, readFileSync(path, "utf8"));

function parse(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RangeError(`${what}: wanted JSON (${(error as Error).message})`);
  }
}

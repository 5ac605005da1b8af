/** The command line of `npm run bench`. */

import type { Suite } from "./report.js";

export const suiteNames: readonly Suite[] = ["kernels", "models", "train", "size"];

export const usage = `usage: npm run bench -- [${suiteNames.join("|")}|all] [--quick] [--json FILE]`;

export interface Arguments {
  /** In the order in which they run. */
  readonly suites: readonly Suite[];
  readonly isQuick: boolean;
  readonly json: string | undefined;
}

/** @throws RangeError for anything that `usage` does not name */
export function parseArguments(words: readonly string[]): Arguments {
  let isQuick = false;
  let json: string | undefined;
  const named: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === "--quick") isQuick = true;
    else if (word === "--json") {
      i += 1;
      json = words[i];
      if (json === undefined || json.startsWith("--")) {
        throw new RangeError(`--json: wanted a file, got ${json ?? "nothing"}`);
      }
    } else if (word === "all" || (suiteNames as readonly string[]).includes(word)) named.push(word);
    else throw new RangeError(`wanted one of ${suiteNames.join(", ")}, all, --quick, --json, got ${word}`);
  }
  const isAll = named.length === 0 || named.includes("all");
  return { suites: suiteNames.filter((suite) => isAll || named.includes(suite)), isQuick, json };
}

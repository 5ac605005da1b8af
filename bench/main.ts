/** The entry of `npm run bench`: argv to rows, a table, a file and an exit code. */

import { writeFileSync } from "node:fs";
import { runtimeSet } from "../src/kernels/runtime-set.js";
import { openEngine } from "../src/wasm/index.js";
import { type Arguments, parseArguments, usage } from "./arguments.js";
import { runSizeCase, runTimeCase, type SizeCase, type TimeCase } from "./contest.js";
import {
  exitCodeOf,
  formatHeader,
  formatHost,
  formatRow,
  type Row,
  readHost,
  type Suite,
  wrapText,
} from "./report.js";
import { convolutionCases, convolutionNote } from "./suites/convolutions.js";
import { modelCases, modelNote } from "./suites/models.js";
import { productCases, productNote } from "./suites/products.js";
import { sizeCases, sizeNote } from "./suites/size.js";
import { trainCases, trainNote } from "./suites/train.js";
import { bandwidthNote, weightCases, weightNote } from "./suites/weights.js";
import { quick, thorough } from "./timing.js";

interface Bench {
  readonly cases: readonly (TimeCase | SizeCase)[];
  /** Printed below the rows: what was fed and what is counted. */
  notes(rows: readonly Row[]): readonly string[];
}

const benches: Readonly<Record<Suite, Bench>> = {
  kernels: {
    cases: [...productCases, ...convolutionCases, ...weightCases],
    notes: (rows) => [productNote, convolutionNote(rows), weightNote, bandwidthNote(rows)],
  },
  models: { cases: modelCases, notes: () => [modelNote] },
  train: { cases: trainCases, notes: () => [trainNote] },
  size: { cases: sizeCases, notes: () => [sizeNote] },
};

async function runSuite(suite: Suite, isQuick: boolean): Promise<Row[]> {
  const { cases, notes } = benches[suite];
  console.log(`\n${suite}`);
  console.log(formatHeader(suite));
  const rows: Row[] = [];
  for (const entry of cases) {
    if (entry.suite !== "size" && entry.missing !== undefined) {
      console.log(`${entry.name}: skipped, ${entry.missing}`);
      continue;
    }
    const row =
      entry.suite === "size"
        ? await runSizeCase(entry)
        : await runTimeCase(entry, isQuick ? quick : thorough);
    console.log(formatRow(row));
    rows.push(row);
  }
  for (const note of notes(rows)) console.log(wrapText(note, 130));
  return rows;
}

async function run({ suites, isQuick, json }: Arguments): Promise<number> {
  const host = readHost(openEngine(runtimeSet).variant);
  console.log(formatHost(host));
  const rows: Row[] = [];
  for (const suite of suites) rows.push(...(await runSuite(suite, isQuick)));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ host, rows }, null, 2)}\n`);
  // Asked for nothing that there is: no success either.
  return rows.length === 0 ? 1 : exitCodeOf(rows);
}

function parse(): Arguments {
  try {
    return parseArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

process.exitCode = await run(parse());

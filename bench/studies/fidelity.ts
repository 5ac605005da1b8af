/**
 * How near int8 is to f32: every model of `../shared` and a zoo of generated nets, through `compress` with its defaults
 * or with methods side by side, on samples that calibration has not seen.
 *
 * `npm run study -- fidelity --help` says the words it takes.
 */

import { writeFileSync } from "node:fs";
import { missedBars, missedByGenerated } from "../zoo/bars.js";
import { zoo } from "../zoo/index.js";
import { type ModelRow, measure, openSubject } from "../zoo/measure.js";
import type { ZooModel } from "../zoo/model.js";
import { parseArguments, type Setting, type Tried, usage } from "../zoo/settings.js";
import { formatErrors, formatHead, formatModel, formatSummary } from "../zoo/table.js";

/** What no method may be worse than. */
const plain: Setting = {
  name: "plain min-max",
  options: { activations: "min-max", biasCorrection: false, equalization: false, fidelity: "off" },
};

/** @returns 0 where each setting meets what is asked for */
export async function run(words: readonly string[]): Promise<number> {
  if (words.includes("--help")) {
    console.log(usage);
    return 0;
  }
  const { only, settings, against, json, withLayers, withPlain, isQuick } = parseArguments(words);
  const models = zoo.filter(({ name, family }, i) => {
    if (isQuick && i % 4 !== 0) return false;
    return only.length === 0 || only.some((word) => word === family || name.includes(word));
  });
  const tried: Tried[] = settings.map((setting) => ({ ...setting, rows: [] }));
  const plainly: Tried = { ...plain, rows: [] };
  const hasPlain = withPlain && models.some(({ family }) => family === "generated");
  const columns = [...against, ...tried, ...(hasPlain ? [plainly] : [])];
  console.log(formatHead(columns));
  for (const model of models) {
    if (model.missing !== undefined) {
      console.log(`${model.name}: skipped, ${model.missing}`);
      continue;
    }
    const subject = await openSubject(model);
    for (const { options, rows } of tried) rows.push(await measure(subject, options, withLayers));
    if (hasPlain && model.family === "generated") plainly.rows.push(await measure(subject, plain.options));
    console.log(
      formatModel(
        model.name,
        columns.map(({ rows }) => rowOf(rows, model)),
      ),
    );
    for (const { name, rows } of tried) {
      const errors = rowOf(rows, model)?.errors;
      if (errors) console.log(`${name}\n${formatErrors(errors)}`);
    }
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(tried)}\n`);
  }
  for (const family of ["shared", "generated"] as const) {
    const names = models.map(({ name }) => name);
    const summary = formatSummary(family, columns, names);
    if (summary !== "") console.log(summary);
  }
  return tried.map((each) => judge(models, each, plainly.rows)).every(Boolean) ? 0 : 1;
}

const rowOf = (rows: readonly ModelRow[], { name }: ZooModel): ModelRow | undefined =>
  rows.find((row) => row.name === name);

function judge(models: readonly ZooModel[], { name, rows }: Tried, plainRows: readonly ModelRow[]): boolean {
  const missed = models.flatMap((model) => {
    const row = rowOf(rows, model);
    return row && model.family === "shared" ? missedBars(model, row) : [];
  });
  const all = [...missed, ...missedByGenerated(rows, plainRows)];
  console.log(`\n${name}: ${all.length === 0 ? "met" : "missed"}`);
  for (const line of all) console.log(`  ${line}`);
  return all.length === 0;
}

/** Rows of the study of fidelity as text: methods side by side. */

import type { LayerRow } from "./layers.js";
import type { ModelRow, OutputRow } from "./measure.js";
import type { Tried } from "./settings.js";

const widths = { name: 30, setting: 32 };
const nothing = "-";

/** The head of all tables. */
export function formatHead(tried: readonly Tried[]): string {
  const names = tried.map(({ name }) => `  ${name}`.slice(0, widths.setting).padEnd(widths.setting));
  const columns = tried.map(() => " rel RMS  cosine   dB  top-1 right".padEnd(widths.setting));
  return `${"".padEnd(widths.name)}${names.join("")}\n${"".padEnd(widths.name)}${columns.join("")}`;
}

/** @param rows of one model, one for each setting; absent where a setting did not try it */
export function formatModel(name: string, rows: readonly (ModelRow | undefined)[]): string {
  const first = rows.findLast((row) => row !== undefined);
  if (!first) return `${name}: not tried`;
  const lines = [`${name}: ${first.layers} layers, ${(first.macs / 1e6).toFixed(1)} M MACs`];
  for (const { set, output } of first.outputs) {
    const cells = rows.map((row) => {
      const cell = row?.outputs.find((each) => each.set === set && each.output === output);
      return (cell ? formatOutput(cell) : nothing).padEnd(widths.setting);
    });
    lines.push(label([set, output].filter((word) => word !== "").join(" ")) + cells.join(""));
  }
  const costs = rows.map((row) => (row ? formatCost(row) : nothing).padEnd(widths.setting));
  lines.push(label("u7/two planes/f32, time") + costs.join(""));
  return lines.join("\n");
}

const label = (text: string): string => `  ${text}`.slice(0, widths.name - 1).padEnd(widths.name);

function formatOutput({ relativeRms, cosine, sqnr, agreement, accuracy }: OutputRow): string {
  const top = agreement === undefined ? "" : (100 * agreement).toFixed(1);
  const right = accuracy === undefined ? "" : (100 * accuracy.int8).toFixed(2);
  const error = relativeRms < 10 ? relativeRms.toFixed(4) : relativeRms.toPrecision(3);
  const numbers = [error.padStart(8), cosine.toFixed(4).padStart(7), String(sqnr?.toFixed(1)).padStart(5)];
  return `${numbers.join(" ")} ${top.padStart(5)} ${right.padStart(5)}`;
}

function formatCost({ shares: { u7, twoPlanes, f32 }, seconds, milliseconds }: ModelRow): string {
  const parts = [u7, twoPlanes, f32].map((share) => (100 * share).toFixed(0)).join("/");
  return ` ${parts} %, ${seconds.toFixed(1)} s, ${milliseconds.toFixed(1)} ms`;
}

/** Where the error of a model enters: each value's whole error, and what its own step adds to what it reads. */
export function formatErrors(errors: readonly LayerRow[]): string {
  const most = Math.max(...errors.map(({ local }) => local));
  const lines = errors.map(({ name, op, form, total, local }) => {
    const bar = "#".repeat(Math.round((20 * local) / (most || 1)));
    return `  ${name.slice(-48).padEnd(49)}${op.padEnd(16)}${form}  ${total.toFixed(4)}  ${local.toFixed(4)} ${bar}`;
  });
  return [`  ${"value".padEnd(49)}${"op".padEnd(16)}form  whole   own`, ...lines].join("\n");
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

/** Mean and worst of a family, a line a setting. */
export function formatSummary(family: ModelRow["family"], tried: readonly Tried[]): string {
  const lines = tried.flatMap(({ name, rows }) => {
    const some = rows.filter((row) => row.family === family);
    if (some.length === 0) return [];
    const outputs = some.flatMap(({ name, outputs }) => outputs.map((output) => ({ name, ...output })));
    const worst = outputs.reduce((most, each) => (each.relativeRms > most.relativeRms ? each : most));
    const errors = outputs.map(({ relativeRms }) => relativeRms);
    const agreements = outputs.flatMap(({ agreement }) => agreement ?? []);
    const middle = [...errors].sort((a, b) => a - b)[Math.floor(errors.length / 2)];
    const geometric = Math.exp(mean(errors.map((error) => Math.log(Math.max(error, 1e-9)))));
    return [
      `  ${name.padEnd(28)} mean ${mean(errors).toFixed(4)}, geometric ${geometric.toFixed(4)}, ` +
        `median ${middle.toFixed(4)}, worst ${worst.relativeRms.toFixed(4)} (${worst.name} ${worst.output}); ` +
        agreementOf(agreements) +
        `${mean(some.map(({ seconds }) => seconds)).toFixed(1)} s a net`,
    ];
  });
  return lines.length === 0 ? "" : `\nrelative RMS of ${family} models\n${lines.join("\n")}`;
}

function agreementOf(shares: readonly number[]): string {
  if (shares.length === 0) return "";
  return `top-1 ${(100 * mean(shares)).toFixed(2)} %, least ${(100 * Math.min(...shares)).toFixed(1)} %; `;
}

/** What the demo says at the end: one table. */

import {
  formatBytes,
  formatCount,
  formatMs,
  formatNumber,
  formatPercent,
  formatSeconds,
  formatTable,
} from "../format.js";
import type { Colors } from "../host.js";
import type { DemoRow } from "./measure.js";
import type { TrainingSettings } from "./train.js";

export interface DemoSummary {
  readonly data: string;
  readonly samples: { readonly train: number; readonly validation: number; readonly test: number };
  readonly settings: TrainingSettings;
  /** Accuracies by which settings may be chosen. */
  readonly validation: { readonly dense: number; readonly sparse: number; readonly int8: number };
  readonly host: { readonly node: string; readonly variant: string };
  /** Accuracies on the test set: dense f32, sparse f32, sparse int8. */
  readonly rows: readonly DemoRow[];
  /** Dense f32 on tfjs-wasm at batch 1. */
  readonly tfjsMs: number;
  readonly file: string;
  readonly seconds: number;
}

const titles = [
  "LeNet-300-100",
  "accuracy",
  "zeros",
  "f32 bytes",
  "gzip",
  ".pare",
  "batch 1",
  "vs tfjs-wasm",
];

export function describeDemo(summary: DemoSummary, colors: Colors): string {
  const { rows, tfjsMs, settings, seconds, file } = summary;
  const bytes = (count: number | null) => (count === null ? "-" : formatCount(count));
  const cells = rows.map((row) => [
    row.name,
    formatPercent(row.accuracy),
    formatPercent(row.zeros, 1),
    bytes(row.f32Bytes),
    bytes(row.gzipBytes),
    bytes(row.pareBytes),
    formatMs(row.latencyMs),
    `${row.ratio.toFixed(1)}x`,
  ]);
  const [dense, last] = [rows[0], rows[rows.length - 1]];
  const smaller = `${formatNumber((dense.f32Bytes ?? 0) / last.pareBytes)}x smaller`;
  const faster = `${last.ratio.toFixed(1)}x as fast as dense f32 on tfjs-wasm (${formatMs(tfjsMs)})`;
  const points = 100 * (last.accuracy - dense.accuracy);
  const change = `accuracy ${points < 0 ? "" : "+"}${points.toFixed(2)} points`;
  return `
${formatTable(titles, cells)}
${colors.bold(`${smaller}, ${faster}, ${change}`)}
The dense net trained ${settings.denseEpochs} epochs; the sparse ones went on from it for ${settings.sparseEpochs} more.
Test accuracy was measured once, at the end. ${formatSeconds(seconds)} in all.
${file}: ${formatBytes(last.pareBytes)}
`;
}

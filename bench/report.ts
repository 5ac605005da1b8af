/** Rows, the host they are from, and how both are printed. */

import { cpus } from "node:os";

export type Suite = "kernels" | "models" | "train" | "size";

export interface Host {
  /** "v24.21.0" */
  readonly node: string;
  readonly cpu: string;
  /** Which build of pare's kernels runs. */
  readonly variant: string;
}

/** A comparison of times. The numbers are null in a row that did not match: it is not timed. */
export interface TimeRow {
  readonly suite: Exclude<Suite, "size">;
  readonly case: string;
  readonly matched: boolean;
  readonly subject: string;
  readonly subjectMs: number | null;
  readonly subjectP95Ms: number | null;
  readonly peer: string;
  readonly peerMs: number | null;
  readonly peerP95Ms: number | null;
  /** The median over interleaved rounds of peer / subject. */
  readonly ratio: number | null;
  /** What was compared before timing, or why it failed. */
  readonly detail: string;
}

/** A comparison of sizes; `matched` is false where a limit is passed or the bytes are not what they should be. */
export interface SizeRow {
  readonly suite: "size";
  readonly case: string;
  readonly matched: boolean;
  readonly subject: string;
  readonly subjectBytes: number | null;
  readonly peer: string;
  readonly peerBytes: number | null;
  /** peer / subject */
  readonly ratio: number | null;
  readonly detail: string;
}

export type Row = TimeRow | SizeRow;

export interface Report {
  readonly host: Host;
  readonly rows: readonly Row[];
}

export function readHost(variant: string): Host {
  return { node: process.version, cpu: cpus()[0]?.model.trim() ?? "unknown", variant };
}

/** 0 when every row matched, else 1. */
export function exitCodeOf(rows: readonly Row[]): 0 | 1 {
  return rows.every(({ matched }) => matched) ? 0 : 1;
}

export const formatHost = ({ node, cpu, variant }: Host): string => `node ${node}, ${cpu}, ${variant}`;

const widths = [42, 10, 10, 18, 10, 10, 9] as const;

export function formatHeader(suite: Suite): string {
  const columns =
    suite === "size"
      ? ["case", "pare B", "", "peer", "B", "", "ratio"]
      : ["case", "pare ms", "p95", "peer", "ms", "p95", "ratio"];
  return `${formatColumns(columns)}  matched`;
}

export function formatRow(row: Row): string {
  const numbers =
    row.suite === "size"
      ? [formatBytes(row.subjectBytes), "", row.peer, formatBytes(row.peerBytes), ""]
      : [
          formatMs(row.subjectMs),
          formatMs(row.subjectP95Ms),
          row.peer,
          formatMs(row.peerMs),
          formatMs(row.peerP95Ms),
        ];
  const ratio = row.ratio === null ? "-" : `${row.ratio.toFixed(2)}x`;
  return `${formatColumns([row.case, ...numbers, ratio])}  ${row.matched ? "" : "FAILED: "}${row.detail}`;
}

/** Lines of at most `width` characters, broken at spaces. */
export function wrapText(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join("\n");
}

function formatColumns(columns: readonly string[]): string {
  const isText = (i: number) => i === 0 || i === 3;
  return columns
    .map((text, i) => (isText(i) ? text.padEnd(widths[i]) : text.padStart(widths[i])))
    .join(" ")
    .trimEnd();
}

const formatMs = (ms: number | null): string => (ms === null ? "-" : ms.toPrecision(3));
const formatBytes = (bytes: number | null): string => (bytes === null ? "-" : String(bytes));

/** Numbers and tables for people. */

const units = ["B", "KB", "MB", "GB"] as const;

/** 1,066,440 -> "1.07 MB": decimal units, as download sizes are told. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** 1234567 -> "1,234,567", whatever the language of the machine. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** 0.98265 -> "98.27 %" */
export function formatPercent(part: number, digits = 2): string {
  return `${(100 * part).toFixed(digits)} %`;
}

/** Milliseconds -> "12.3 us" or "1.23 ms" */
export function formatMs(ms: number): string {
  return ms < 1 ? `${(1000 * ms).toPrecision(3)} us` : `${ms.toPrecision(3)} ms`;
}

/** "3 s", "1 min 5 s" */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Significant digits that a person reads: 0.01234567 -> "0.01235". */
export function formatNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/**
 * Columns under their titles: the first to the left, the others to the right.
 *
 * @param rows of as many cells as `titles`
 * @returns lines, each ended; no color codes, for they have a width in bytes and none on the screen
 */
export function formatTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return `${[line(titles), rule, ...rows.map(line)].join("\n")}\n`;
}

/** One line on stderr that says how far a stage is and how long it still takes: on a terminal only. */

import { formatSeconds } from "./format.js";
import { colorsFor, type Host, isTerminal } from "./host.js";

export interface Progress {
  /**
   * @param done part of the stage, 0 to 1
   * @param detail a few words, such as the loss
   * @param secondsLeft where another knows better than the time it took so far
   */
  update(done: number, detail?: string, secondsLeft?: number): void;
  /** Wipes the line. */
  end(): void;
}

const intervalMs = 80;
const barWidth = 24;

/**
 * Starts a stage.
 *
 * @param title shown before the bar
 */
export function startProgress(host: Host, title: string): Progress {
  if (!isTerminal(host.stderr, host.env)) return { update() {}, end() {} };
  const colors = colorsFor(host.stderr, host.env);
  const begin = performance.now();
  let drawn = Number.NEGATIVE_INFINITY;
  const draw = (line: string) => host.stderr.write(`\r\x1b[2K${line}`);
  draw(title);
  return {
    update(done, detail = "", secondsLeft) {
      const now = performance.now();
      if (now - drawn < intervalMs) return;
      drawn = now;
      const part = Math.min(1, Math.max(0, done));
      const filled = Math.round(part * barWidth);
      const bar = colors.green("█".repeat(filled)) + colors.dim("░".repeat(barWidth - filled));
      const left = secondsLeft ?? ((now - begin) / 1000) * ((1 - part) / part);
      // The first few steps say little of the rest.
      const time = part > 0.01 ? `${formatSeconds(left)} left` : "";
      draw(`${title} ${bar} ${String(Math.floor(100 * part)).padStart(3)} %  ${time}  ${colors.dim(detail)}`);
    },
    end() {
      draw("");
    },
  };
}

/** Runs a stage under a progress line that is wiped also when it fails. */
export async function withProgress<T>(
  host: Host,
  title: string,
  stage: (progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = startProgress(host, title);
  try {
    return await stage(progress);
  } finally {
    progress.end();
  }
}

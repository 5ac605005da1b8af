/**
 * How far a stage is and how long it still takes, on stderr: on a terminal a line that is drawn over, elsewhere (a log, a
 * pipe) a line every half minute.
 */

import { formatSeconds } from "./format.js";
import { colorsFor, type Host, isTerminal, note } from "./host.js";

export interface Progress {
  /**
   * @param done part of the stage, 0 to 1
   * @param detail a few words, such as the loss
   * @param secondsLeft where another knows better than the time it took so far
   */
  update(done: number, detail?: string, secondsLeft?: number): void;
  /** Wipes the line; to be called however the stage ends. */
  end(): void;
}

const drawMs = 80;
const lineMs = 30_000;
const barWidth = 24;

/**
 * Starts a stage.
 *
 * @param title shown before the bar
 */
export function startProgress(host: Host, title: string): Progress {
  return isTerminal(host.stderr, host.env) ? drawn(host, title) : written(host, title);
}

/** What is known of a stage that has begun at a time. */
interface State {
  /** 0 to 1 */
  readonly part: number;
  /** "2 min 5 s left", or nothing: the first few steps say little of the rest. */
  readonly left: string;
}

function stateOf(begin: number, done: number, secondsLeft: number | undefined): State {
  const part = Math.min(1, Math.max(0, done));
  const left = secondsLeft ?? ((performance.now() - begin) / 1000) * ((1 - part) / part);
  return { part, left: part > 0.01 ? `${formatSeconds(left)} left` : "" };
}

function drawn(host: Host, title: string): Progress {
  const colors = colorsFor(host.stderr, host.env);
  const begin = performance.now();
  let last = Number.NEGATIVE_INFINITY;
  const draw = (line: string) => host.stderr.write(`\r\x1b[2K${line}`);
  draw(title);
  return {
    update(done, detail = "", secondsLeft) {
      const now = performance.now();
      if (now - last < drawMs) return;
      last = now;
      const { part, left } = stateOf(begin, done, secondsLeft);
      const filled = Math.round(part * barWidth);
      const bar = colors.green("█".repeat(filled)) + colors.dim("░".repeat(barWidth - filled));
      const percent = String(Math.floor(100 * part)).padStart(3);
      draw(`${title} ${bar} ${percent} %  ${left}  ${colors.dim(detail)}`);
    },
    end() {
      draw("");
    },
  };
}

function written(host: Host, title: string): Progress {
  const begin = performance.now();
  let last = begin;
  let words = "";
  function lineIfDue(): void {
    const now = performance.now();
    if (now - last < lineMs) return;
    last = now;
    note(host, `${title}: ${words || `${formatSeconds((now - begin) / 1000)} so far`}`);
  }
  // For stages that say nothing for long, but let the event loop turn.
  const timer = setInterval(lineIfDue, lineMs);
  timer.unref?.();
  return {
    update(done, detail = "", secondsLeft) {
      const { part, left } = stateOf(begin, done, secondsLeft);
      words = [`${Math.floor(100 * part)} %`, left, detail].filter((word) => word !== "").join(", ");
      lineIfDue();
    },
    end: () => clearInterval(timer),
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

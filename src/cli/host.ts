/** What a command sees of the world: two streams, the environment, a signal. Tests bring their own. */

import picocolors from "picocolors";

export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface Host {
  /** Data, and nothing else. */
  readonly stdout: Stream;
  /** Progress, notes and errors. */
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly version: string;
}

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Colors for a stream: on a terminal, unless NO_COLOR (https://no-color.org) or a dumb terminal says no. */
export function colorsFor(stream: Stream, env: Host["env"]): Colors {
  const forced = Boolean(env.FORCE_COLOR) && env.FORCE_COLOR !== "0";
  return picocolors.createColors(!env.NO_COLOR && (forced || isTerminal(stream, env)));
}

/** Whether a line may be drawn over. */
export function isTerminal(stream: Stream, env: Host["env"]): boolean {
  return stream.isTTY === true && env.TERM !== "dumb";
}

/** Data for programs: one JSON document, indented, on stdout. */
export function printJson(host: Host, data: unknown): void {
  host.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
}

/** A sentence for people, on stderr. */
export function note(host: Host, text: string): void {
  host.stderr.write(`${text}\n`);
}

/** Says on stderr what may be a mistake, to who is given this. */
export function warner(host: Host): (message: string) => void {
  return (message) => note(host, `warning: ${message}`);
}

/** Says so when latencies are not those of the kernels in WebAssembly. */
export function warnOfReference(host: Host, variant: string): void {
  if (variant !== "reference") return;
  note(host, "warning: no WebAssembly build of the kernels computes right here; plain JavaScript is timed");
}

/**
 * Lets the event loop turn, so that Ctrl-C is heard within a long loop.
 *
 * @throws the reason of the signal when it is aborted
 */
export async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}

/** Lets the rest of the program live during long work. */

let last = 0;

/**
 * Between two steps of work: stops if asked to, and every so often lets timers and events happen, by
 * which a signal can be aborted at all.
 *
 * @throws the signal's reason
 */
export async function pause(signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (performance.now() - last < 30) return;
  await new Promise<void>((resolve) => setTimeout(resolve));
  last = performance.now();
  signal?.throwIfAborted();
}

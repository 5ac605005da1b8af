/** Time since the start of a run, and when to let the rest of the program have its turn. */

export interface Clock {
  seconds(): number;
  /** True when the last pause is a tenth of a second ago. */
  isDue(): boolean;
  /** Lets timers, signals and Ctrl-C come through. */
  pause(): Promise<void>;
  /** Counts in what a run took before it was broken off. */
  goOn(secondsBefore: number): void;
}

const PAUSE_EVERY_MS = 100;

export function createClock(): Clock {
  let start = performance.now();
  let lastPause = start;
  return {
    seconds: () => (performance.now() - start) / 1000,
    isDue: () => performance.now() - lastPause >= PAUSE_EVERY_MS,
    // Not tf.nextFrame: it waits for an animation frame, which a hidden page never gets.
    pause: async () => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      lastPause = performance.now();
    },
    goOn: (secondsBefore) => {
      start -= secondsBefore * 1000;
    },
  };
}

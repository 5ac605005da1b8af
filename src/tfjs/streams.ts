/** The random numbers of a run. */

import { createRandom, type Random, type RandomState } from "../data/index.js";
import { arrayIn, type SavedState } from "./state.js";

/** The order has its own, so that it stays whatever else draws. */
export interface Streams {
  order: Random;
  augment: Random;
  noise: Random;
}

const names = ["order", "augment", "noise"] as const;

/** @throws RangeError where the seed is no safe integer */
export function openStreams(seed: number): Streams {
  const source = createRandom(seed);
  const word = () => source.uint32();
  const fork = () => createRandom([word(), word(), word(), (word() | 1) >>> 0]); // not all four are 0
  return { order: createRandom(seed), augment: fork(), noise: fork() };
}

export function saveStreams(streams: Streams): SavedState {
  return {
    arrays: Object.fromEntries(names.map((name) => [name, Float64Array.from(streams[name].state())])),
  };
}

/** @throws FormatError, RangeError where what was saved is no state */
export function restoreStreams(streams: Streams, saved: SavedState): void {
  for (const name of names) {
    const words = Array.from(arrayIn(saved, name, Float64Array, 4));
    streams[name] = createRandom(words as unknown as RandomState);
  }
}

/** Requantization as the design states it: q = clamp(rne(f32(acc) * m) + zero). */

import type { Heap } from "../../../wasm/index.js";
import { unpackPost } from "../../post.js";

/** Round half to even of an f32; exact for every finite or infinite number. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5 || !Number.isFinite(x)) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The function that `post` (see assembly/post.ts) describes: an i32 sum and its multiplier to a code. */
export function requantizer(heap: Heap, post: number): (acc: number, mult: number) => number {
  const { zero, low } = unpackPost(heap, post);
  return (acc, mult) => {
    const real = Math.fround(Math.fround(acc) * mult);
    return Math.min(Math.max(roundHalfEven(real) + zero, low), 127);
  };
}

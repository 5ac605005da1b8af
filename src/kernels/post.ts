/** What becomes of the i32 sums of a product: assembly/post.ts reads these vectors. */

import type { Heap } from "../wasm/index.js";

export interface Post {
  /** Code of real 0, in [0, 127]. */
  readonly zero: number;
  /** Lowest code allowed, in [0, 127]: a fused relu is a bound. */
  readonly low: number;
}

// Of 1.5 * 2^23.
const ROUND_BITS = 0x4b400000;

const POST_BYTES = 48;

export function packPost({ zero, low }: Post): Uint8Array {
  const bytes = new Uint8Array(POST_BYTES);
  new Int32Array(bytes.buffer).fill(zero - ROUND_BITS, 0, 4).fill(ROUND_BITS, 4, 8);
  return bytes.fill(low, 32);
}

/** What `packPost` packed, at an address. */
export function unpackPost(heap: Heap, post: number): Post {
  return { zero: heap.i32(post, 1)[0] + ROUND_BITS, low: heap.u8(post + 32, 1)[0] };
}

/** A table for u7_table that lets no code pass `high`. */
export const clipTable = (high: number): Uint8Array =>
  Uint8Array.from({ length: 128 }, (_, code) => Math.min(code, high));

// What an epilogue may meet is -1.5 * 2^23 at least; this leaves room for roundings.
const REACH = -12_000_000;

/**
 * A multiplier of sums down to `least` that the epilogues may meet: the one asked for, unless it takes sums further
 * below all codes than REACH. Only there it is less than s_x s_w / s_y, and sums near 0 get codes nearer to that of 0:
 * the 128 codes of such a result span 1 / 94,000 of what its sums reach below. A maximum in i32 would serve those
 * too, and takes all others 2 to 5 % of their time.
 */
export function boundMult(mult: number, least: number): number {
  return mult * least < REACH ? REACH / least : mult;
}

/**
 * Of each output the sum that none is below.
 *
 * @param w s8[][outputs], the inputs of each in any order
 * @param isPart the sums are of some of the inputs, with their share of the zero point alone in the bias
 */
export function leastSums(
  w: Int8Array,
  outputs: number,
  bias: ArrayLike<number>,
  isPart = false,
): Float64Array {
  const least = Float64Array.from({ length: outputs }, (_, n) => bias[n] ?? 0);
  for (let i = 0; i < w.length; i++)
    least[i % outputs] += 127 * (Math.min(w[i], 0) - (isPart ? Math.abs(w[i]) : 0));
  return least;
}

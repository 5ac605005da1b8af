/** What becomes of the i32 sums of a product: assembly/post.ts reads these words. */

export interface Post {
  /** Code of real 0, in [0, 127]. */
  readonly zero: number;
  /** Lowest and highest code allowed, in [0, 127]: a fused relu is a bound. */
  readonly low: number;
  readonly high: number;
}

// 1.5 * 2^23 and its bits.
const ROUND = 12582912;
const ROUND_BITS = 0x4b400000;

export const POST_BYTES = 16;

export function packPost({ zero, low, high }: Post): Uint8Array {
  const bytes = new Uint8Array(POST_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, zero - ROUND_BITS, true);
  bytes.fill(low, 4, 8);
  bytes.fill(high, 8, 12);
  view.setFloat32(12, ROUND, true);
  return bytes;
}

/** What `packPost` packed. */
export function unpackPost(bytes: Uint8Array): Post {
  const view = new DataView(bytes.buffer, bytes.byteOffset, POST_BYTES);
  const zero = view.getInt32(0, true) + ROUND_BITS;
  return { zero, low: bytes[4], high: bytes[8] };
}

// What an epilogue may meet is -1.5 * 2^23 at least; this leaves room for roundings.
const REACH = -12_000_000;

/**
 * A multiplier of sums down to `least` that the epilogues may meet. Only where the codes of a result span less than a
 * hundred thousandth of what its sums can reach is it less than the one asked for.
 */
export function boundMult(mult: number, least: number): number {
  return mult * least < REACH ? REACH / least : mult;
}

/**
 * Of sums of products with codes, with a bias or part of it, what none is below.
 *
 * @param w s8[][outputs], the inputs of each in any order
 */
export function leastSums(w: Int8Array, outputs: number, bias: ArrayLike<number>): Float64Array {
  const least = Float64Array.from({ length: outputs }, (_, n) => -Math.abs(bias[n] ?? 0));
  // The products reach down by 127 times the weights, and the zero points in the bias by as much.
  for (let i = 0; i < w.length; i++) least[i % outputs] -= 254 * Math.abs(w[i]);
  return least;
}

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
  view.setInt32(4, low - zero + ROUND_BITS, true);
  bytes.fill(high, 8, 12);
  view.setFloat32(12, ROUND, true);
  return bytes;
}

/** What `packPost` packed. */
export function unpackPost(bytes: Uint8Array): Post {
  const view = new DataView(bytes.buffer, bytes.byteOffset, POST_BYTES);
  const zero = view.getInt32(0, true) + ROUND_BITS;
  return { zero, low: view.getInt32(4, true) - ROUND_BITS + zero, high: bytes[8] };
}

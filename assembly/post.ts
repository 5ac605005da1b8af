// The epilogue of the integer matrix products: what becomes of 4 outputs x 8 pixels of i32 sums.
//
// `post` points at i32[4]: the zero point of y, the lowest and the highest code allowed (a fused
// relu is a bound), and the address of an activation table of 128 bytes or 0.
import { narrow16, requantize4, requantize_shift, table16 } from "./simd";

// @ts-ignore: decorator
@inline
export function post_shift(post: usize): v128 {
  return requantize_shift(load<i32>(post));
}

// @ts-ignore: decorator
@inline
export function post_low(post: usize): v128 {
  return i8x16.splat(load<u8>(post, 4));
}

// @ts-ignore: decorator
@inline
export function post_high(post: usize): v128 {
  return i8x16.splat(load<u8>(post, 8));
}

// Writes 8 pixels x 4 outputs as C4 bytes. Row r's sums are pixels 0-3 in r?_lo and 4-7 in r?_hi.
// @ts-ignore: decorator
@inline
export function post_store_4x8(
  y: usize,
  mult: usize,
  post: usize,
  r0_lo: v128,
  r0_hi: v128,
  r1_lo: v128,
  r1_hi: v128,
  r2_lo: v128,
  r2_hi: v128,
  r3_lo: v128,
  r3_hi: v128,
): void {
  const shift = post_shift(post);
  const low = post_low(post);
  const high = post_high(post);
  const table = <usize>load<u32>(post, 12);
  const m0 = v128.load32_splat(mult);
  const m1 = v128.load32_splat(mult, 4);
  const m2 = v128.load32_splat(mult, 8);
  const m3 = v128.load32_splat(mult, 12);
  let r01 = narrow16(
    requantize4(r0_lo, m0, shift),
    requantize4(r0_hi, m0, shift),
    requantize4(r1_lo, m1, shift),
    requantize4(r1_hi, m1, shift),
    low,
    high,
  );
  let r23 = narrow16(
    requantize4(r2_lo, m2, shift),
    requantize4(r2_hi, m2, shift),
    requantize4(r3_lo, m3, shift),
    requantize4(r3_hi, m3, shift),
    low,
    high,
  );
  if (table) {
    r01 = table16(table, r01);
    r23 = table16(table, r23);
  }
  v128.store(y, i8x16.shuffle(r01, r23, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27));
  v128.store(y, i8x16.shuffle(r01, r23, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31), 16);
}

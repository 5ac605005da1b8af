// The epilogue of the integer matrix products: what becomes of 4 outputs x 8 pixels of i32 sums.
//
// `post` points at three vectors, made by src/kernels/post.ts: in memory rather than in the code because V8 makes a
// constant anew at every use, and whole because it makes an address for each splat:
//
//   0   i32x4  zero point of y less the bits of the rounding constant
//   16  f32x4  the rounding constant 1.5 * 2^23
//   32  s8x16  lowest code allowed, >= 0: a fused relu is a bound
//
// 127, the highest code, is where s8 saturates; a bound below it is left to u7_table, as a table of an activation is:
// inlined in every epilogue it was a tenth of the binaries.
//
// acc * mult is at least -1.5 * 2^23 wherever an epilogue reads it: src/kernels/post.ts sees to that.
import { code4, narrow16, store_4x8 } from "./simd";

// i32 sums (bias included) to codes, not yet narrowed: rne(f32(acc) * mult) + zero.
// @ts-ignore: decorator
@inline
export function post_code(acc_i32x4: v128, mult_f32x4: v128, post: usize): v128 {
  return code4(
    f32x4.mul(f32x4.convert_i32x4_s(acc_i32x4), mult_f32x4),
    v128.load(post, 16),
    v128.load(post),
  );
}

// 16 codes, ready to be stored.
// @ts-ignore: decorator
@inline
export function post_narrow(a_i32x4: v128, b_i32x4: v128, c_i32x4: v128, d_i32x4: v128, post: usize): v128 {
  return i8x16.max_s(narrow16(a_i32x4, b_i32x4, c_i32x4, d_i32x4), v128.load(post, 32));
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
  const m0 = v128.load32_splat(mult);
  const m1 = v128.load32_splat(mult, 4);
  const m2 = v128.load32_splat(mult, 8);
  const m3 = v128.load32_splat(mult, 12);
  const r01 = post_narrow(
    post_code(r0_lo, m0, post),
    post_code(r0_hi, m0, post),
    post_code(r1_lo, m1, post),
    post_code(r1_hi, m1, post),
    post,
  );
  const r23 = post_narrow(
    post_code(r2_lo, m2, post),
    post_code(r2_hi, m2, post),
    post_code(r3_lo, m3, post),
    post_code(r3_hi, m3, post),
    post,
  );
  store_4x8(y, r01, r23);
}

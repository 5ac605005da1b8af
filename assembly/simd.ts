// The vocabulary over which every kernel is written once. The ONLY file that names ASC_FEATURE_*:
// the same source gives the `simd` binary (SIMD128) and the `relaxed` one (relaxed SIMD).
//
// dot4: lane i of an i32x4 gains the sum of the 4 products of bytes 4i..4i+3 of an s8 vector and a
// u7 vector. The relaxed instruction takes both as they are. SIMD128 has only an i16 dot, so there
// each operand is split into its even and its odd bytes, widened to i16; a kernel makes the halves
// where it loads the operand, and so outside of the loop that uses it again. In the relaxed binary
// the "even half" is the operand itself and the odd half is dead code.

// Even half of an s8 operand.
// @ts-ignore: decorator
@inline
export function s8_even(w_s8x16: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return w_s8x16;
  return i16x8.shr_s(i16x8.shl(w_s8x16, 8), 8);
}

// Odd half of an s8 operand.
// @ts-ignore: decorator
@inline
export function s8_odd(w_s8x16: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return w_s8x16;
  return i16x8.shr_s(w_s8x16, 8);
}

// Even half of a u7 operand.
// @ts-ignore: decorator
@inline
export function u7_even(x_u7x16: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return x_u7x16;
  return v128.and(x_u7x16, i16x8.splat(0x00ff));
}

// Odd half of a u7 operand.
// @ts-ignore: decorator
@inline
export function u7_odd(x_u7x16: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return x_u7x16;
  return i16x8.shr_u(x_u7x16, 8);
}

// acc + dot4(w, x), w and x given as their halves. Exact while the sum fits i32: 4 * 127 * 127 a call.
// @ts-ignore: decorator
@inline
export function dot4_add(acc_i32x4: v128, w_even: v128, w_odd: v128, x_even: v128, x_odd: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    // x is the second operand and in [0, 127]: every lowering of the instruction then agrees.
    return i32x4.relaxed_dot_i8x16_i7x16_add_s(w_even, x_even, acc_i32x4);
  }
  return i32x4.add(
    acc_i32x4,
    i32x4.add(i32x4.dot_i16x8_s(w_even, x_even), i32x4.dot_i16x8_s(w_odd, x_odd)),
  );
}

// Bytes of x at the indices of `lane`, each in [0, 15]; there all lowerings agree.
// @ts-ignore: decorator
@inline
export function gather16(x_u8x16: v128, lane_u8x16: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(x_u8x16, lane_u8x16);
  return i8x16.swizzle(x_u8x16, lane_u8x16);
}

// The 4 bytes at p in every lane.
// @ts-ignore: decorator
@inline
export function splat4(p: usize): v128 {
  return v128.load32_splat(p);
}

// Adds 1.5 * 2^23: the sum's low mantissa bits are the value rounded half to even.
const ROUND: f32 = 12582912.0;
const ROUND_BITS: i32 = 0x4b400000;
// Below -2^22 the sum would leave the binade, and far below it turn negative and wrap.
const LOWEST: f32 = -4194304.0;

// i32 accumulators (bias included) to codes, not yet narrowed: rne(f32(acc) * mult) + zero.
// Saturates in the right direction for every finite or infinite product.
// @ts-ignore: decorator
@inline
export function requantize4(acc_i32x4: v128, mult_f32x4: v128, shift_i32x4: v128): v128 {
  const real_f32x4 = f32x4.mul(f32x4.convert_i32x4_s(acc_i32x4), mult_f32x4);
  const code_f32x4 = f32x4.add(f32x4.pmax(f32x4.splat(LOWEST), real_f32x4), f32x4.splat(ROUND));
  return i32x4.add(code_f32x4, shift_i32x4);
}

// The vector that requantize4 adds: it takes the rounding constant off and puts the zero point on.
// @ts-ignore: decorator
@inline
export function requantize_shift(zero: i32): v128 {
  return i32x4.splat(zero - ROUND_BITS);
}

// 16 codes from four vectors of unclamped ones, clamped to [low, high].
// @ts-ignore: decorator
@inline
export function narrow16(a_i32x4: v128, b_i32x4: v128, c_i32x4: v128, d_i32x4: v128, low_u8x16: v128, high_u8x16: v128): v128 {
  const q_u8x16 = i8x16.narrow_i16x8_u(
    i16x8.narrow_i32x4_s(a_i32x4, b_i32x4),
    i16x8.narrow_i32x4_s(c_i32x4, d_i32x4),
  );
  return i8x16.min_u(i8x16.max_u(q_u8x16, low_u8x16), high_u8x16);
}

// 16 look-ups in a table of 128 bytes. A swizzle gives 0 for an index past 15, so the eight
// sixteenths are looked up apart and or-ed.
// @ts-ignore: decorator
@inline
export function table16(table: usize, q_u7x16: v128): v128 {
  let out_u8x16 = i8x16.swizzle(v128.load(table), q_u7x16);
  out_u8x16 = v128.or(out_u8x16, i8x16.swizzle(v128.load(table, 16), i8x16.sub(q_u7x16, i8x16.splat(16))));
  out_u8x16 = v128.or(out_u8x16, i8x16.swizzle(v128.load(table, 32), i8x16.sub(q_u7x16, i8x16.splat(32))));
  out_u8x16 = v128.or(out_u8x16, i8x16.swizzle(v128.load(table, 48), i8x16.sub(q_u7x16, i8x16.splat(48))));
  out_u8x16 = v128.or(out_u8x16, i8x16.swizzle(v128.load(table, 64), i8x16.sub(q_u7x16, i8x16.splat(64))));
  out_u8x16 = v128.or(out_u8x16, i8x16.swizzle(v128.load(table, 80), i8x16.sub(q_u7x16, i8x16.splat(80))));
  out_u8x16 = v128.or(out_u8x16, i8x16.swizzle(v128.load(table, 96), i8x16.sub(q_u7x16, i8x16.splat(96))));
  return v128.or(out_u8x16, i8x16.swizzle(v128.load(table, 112), i8x16.sub(q_u7x16, i8x16.splat(112))));
}

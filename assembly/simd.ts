// The vocabulary over which every kernel is written once. The ONLY file that names ASC_FEATURE_*:
// the same source gives the `simd` binary (SIMD128) and the `relaxed` one (relaxed SIMD).
//
// dot4: lane i of an i32x4 gains the sum of the 4 products of bytes 4i..4i+3 of an s8 vector and a
// u7 vector. The relaxed instruction takes both as they are. SIMD128 has only an i16 dot, so there
// each operand is split into its even and its odd bytes, widened to i16; a kernel makes the halves
// where it loads the operand, and so outside of the loop that uses it again. In the relaxed binary
// the "even half" is the operand itself and the odd half is dead code.
//
// The relaxed instruction is one on a CPU with AVX-VNNI or SDOT and five on the others, where V8 also
// makes its constant of ones anew at every use. So there is a third build, `relaxed16`, of the
// kernels that multiply: products of s8 and u7 are added by pairs in i16 (exact: 2 * 127 * 127 fits),
// and those sums by pairs in i32. dot8_add puts one more i16 addition before the widening one, where
// the weights leave room for it, and u7_s8w_spmm_4x4 as many as they leave room for. Measured on Zen 4, Node 24, in
// GMAC/s, the i32 instruction / one pair / two pairs: matrix-matrix 42 / 56 / 63, matrix-vector 37 / 49 / 52; with the
// copies of the bench, 256 x 512 x 512 went from 60 to 66 by runs. The engine times both.
// asc --use PARE_DOT16=1 makes it.
// @ts-ignore: a constant of the compiler's command line
const DOT16: bool = PARE_DOT16 != 0;

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

// What dot4_add and dot8_add want as `ones`: 1 in every i16, in a form that V8 keeps in a register
// over a loop, which it does not do with a constant (56 against 35 GMAC/s).
// @ts-ignore: decorator
@inline
export function dot_ones(any: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD && DOT16) return i16x8.abs(i16x8.eq(any, any));
  return any;
}

// acc + dot4(w, x), w and x given as their halves. Exact while the sum fits i32: 4 * 127 * 127 a call.
// @ts-ignore: decorator
@inline
export function dot4_add(acc_i32x4: v128, w_even: v128, w_odd: v128, x_even: v128, x_odd: v128, ones: v128): v128 {
  // x is the second operand and in [0, 127]: every lowering of both instructions then agrees.
  if (ASC_FEATURE_RELAXED_SIMD && DOT16) {
    return widen_add(acc_i32x4, dot2(w_even, x_even), ones);
  }
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(w_even, x_even, acc_i32x4);
  // One product at a time: registers are what this build runs out of.
  return i32x4.add(i32x4.add(acc_i32x4, i32x4.dot_i16x8_s(w_even, x_even)), i32x4.dot_i16x8_s(w_odd, x_odd));
}

// Whether a kernel should take blocks two at a time with dot8_add, which is what that one is for. SIMD128 has not
// the registers for it: what is spilled lies across cache lines in some processes, and costs half of the speed
// there. To the i32 instruction it gives nothing, and loading each splat twice takes the load ports (71 GMAC/s
// instead of 92 on Zen 5).
export const PAIRED: bool = ASC_FEATURE_RELAXED_SIMD && DOT16;

// Products of bytes added by twos, in i16. Where PAIRED alone.
// @ts-ignore: decorator
@inline
export function dot2(w_s8x16: v128, x_u7x16: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(w_s8x16, x_u7x16);
}

// acc + sums in i16, added by twos.
// @ts-ignore: decorator
@inline
export function widen_add(acc_i32x4: v128, sum_i16x8: v128, ones: v128): v128 {
  return i32x4.add(acc_i32x4, i32x4.dot_i16x8_s(sum_i16x8, ones));
}

// acc + dot4(w, x) + dot4(v, z) for weights that leave room in i16: in bytes 0-1 and in bytes 2-3 of
// each four, the positive numbers of w and v add up to at most 258, and the negative ones to at least -258
// (127 * 258 < 2^15, and no x is negative). Where PAIRED alone.
// @ts-ignore: decorator
@inline
export function dot8_add(acc_i32x4: v128, w_s8x16: v128, x_u7x16: v128, v_s8x16: v128, z_u7x16: v128, ones: v128): v128 {
  return widen_add(acc_i32x4, i16x8.add(dot2(w_s8x16, x_u7x16), dot2(v_s8x16, z_u7x16)), ones);
}

// Bytes of x at the indices of `lane`, each in [0, 15]; there all lowerings agree.
// @ts-ignore: decorator
@inline
export function gather16(x_u8x16: v128, lane_u8x16: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(x_u8x16, lane_u8x16);
  return i8x16.swizzle(x_u8x16, lane_u8x16);
}

// 4 pixels of 4 bytes: neighbours where `step` is 4, every other one where it is 8.
// @ts-ignore: decorator
@inline
export function pixels4(x: usize, step: i32): v128 {
  const first = v128.load(x);
  return step == 8 ? i32x4.shuffle(first, v128.load(x, 16), 0, 2, 4, 6) : first;
}

// 1.5 * 2^23: the low mantissa bits of a sum with it are the other number rounded half to even.
export const ROUND_BITS: i32 = 0x4b400000;

// Real numbers to codes, not yet narrowed or clamped: rne(real) + zero, where `round` is that constant and `shift`
// the zero point less its bits. Bits of floats that are not negative are ordered as the floats are: a sum that left
// the binade on either side is still past every code on that side, and saturates when narrowed. Only below
// -1.5 * 2^23, where the sum is negative, it would not.
// @ts-ignore: decorator
@inline
export function code4(real_f32x4: v128, round_f32x4: v128, shift_i32x4: v128): v128 {
  return i32x4.add(f32x4.add(real_f32x4, round_f32x4), shift_i32x4);
}

// 16 codes from four vectors of unclamped ones: none above 127, and those below 0 are negative.
// @ts-ignore: decorator
@inline
export function narrow16(a_i32x4: v128, b_i32x4: v128, c_i32x4: v128, d_i32x4: v128): v128 {
  return i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a_i32x4, b_i32x4), i16x8.narrow_i32x4_s(c_i32x4, d_i32x4));
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

// Stores rows r0, r1 of 8 bytes and r2, r3 of 8 bytes as 8 pixels of 4. Interleaving twice is four
// instructions of one step each; a single shuffle in any order takes V8 two of them and two constants
// that it makes anew every time.
// @ts-ignore: decorator
@inline
export function store_4x8(y: usize, r01_u8x16: v128, r23_u8x16: v128): void {
  const even = i8x16.shuffle(r01_u8x16, r23_u8x16, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const odd = i8x16.shuffle(r01_u8x16, r23_u8x16, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(y, i8x16.shuffle(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  v128.store(y, i8x16.shuffle(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16);
}

// acc + x * y, rounded once in the relaxed binary and twice in the other. For training alone: what the
// inference binary computes is the same everywhere.
// @ts-ignore: decorator
@inline
export function fused_add(acc_f32x4: v128, x_f32x4: v128, y_f32x4: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x_f32x4, y_f32x4, acc_f32x4);
  return f32x4.add(acc_f32x4, f32x4.mul(x_f32x4, y_f32x4));
}

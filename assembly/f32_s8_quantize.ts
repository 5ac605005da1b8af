import { kept, MAGNITUDE, sum4 } from "./lanes";
import { count, FLOOR, HALF_EVEN, past2, promote_high, quotient, quotient2, saturate, saturate4, sum2, TRUNC } from "./quotient";

// f32_s8_quantize: codes[i] = round(w[i] / divisors[i % period]), saturated to [-127, 127].
//
//   codes      s8[n]
//   counts     i32[2], added to: codes that saturated; weights that gave NaN, whose code is 0
//   w          f32[n], any alignment
//   divisors   f32[period], none of them 0; for w of [inputs][outputs] one per output is period = outputs
//   n          >= 0
//   period     >= 1; long ones run faster, so repeat a short one
//   rounding   0 floor, 1 trunc, 2 half to even: of the exact quotient, not of one rounded to f32
//
// Sixteen at a time in f32. Rounding a quotient to f32 keeps its order, so it may only hide on which side of
// an integer (of a half for half-even) it lay where it became exactly that: those sixteen run in f64.
export function f32_s8_quantize(
  codes: usize, counts: usize, w: usize, divisors: usize, n: i32, period: i32, rounding: i32,
): void {
  assert(n >= 0 && period >= 1 && rounding >= FLOOR && rounding <= HALF_EVEN);
  for (let at = 0; at < n; at += period) {
    const length = min(period, n - at);
    if (rounding == FLOOR) row(codes, counts, w, divisors, length, FLOOR);
    else if (rounding == TRUNC) row(codes, counts, w, divisors, length, TRUNC);
    else row(codes, counts, w, divisors, length, HALF_EVEN);
    codes += length;
    w += (<usize>length) << 2;
  }
}

// @ts-ignore: decorator
@inline
function row(codes: usize, counts: usize, w: usize, divisors: usize, n: i32, rounding: i32): void {
  const round_f32x4 = kept(f32x4.splat(ROUND), n);
  const half_f32x4 = kept(f32x4.splat(0.5), n);
  const magnitude = kept(i32x4.splat(MAGNITUDE), n);
  const lowest_f32x4 = kept(f32x4.splat(-4194304.0), n);
  const limit_i16x8 = kept(i16x8.splat(127), n);
  const least_s8x16 = kept(i8x16.splat(-127), n);
  let past_i16x8 = i16x8.splat(0);
  let past = 0;
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const p = w + ((<usize>i) << 2);
    const d = divisors + ((<usize>i) << 2);
    const a = quotient4(p, d, lowest_f32x4);
    const b = quotient4(p + 16, d + 16, lowest_f32x4);
    const e = quotient4(p + 32, d + 32, lowest_f32x4);
    const f = quotient4(p + 48, d + 48, lowest_f32x4);
    const ra = round4(a, round_f32x4, rounding);
    const rb = round4(b, round_f32x4, rounding);
    const re = round4(e, round_f32x4, rounding);
    const rf = round4(f, round_f32x4, rounding);
    const ca = certain4(p, a, ra, round_f32x4, half_f32x4, magnitude, rounding);
    const cb = certain4(p + 16, b, rb, round_f32x4, half_f32x4, magnitude, rounding);
    const ce = certain4(p + 32, e, re, round_f32x4, half_f32x4, magnitude, rounding);
    const cf = certain4(p + 48, f, rf, round_f32x4, half_f32x4, magnitude, rounding);
    const certain = v128.and(v128.and(ca, cb), v128.and(ce, cf));
    if (i32x4.bitmask(certain) != 15) {
      exact16(codes + i, counts, p, d, rounding);
      continue;
    }
    const low_i16x8 = i16x8.narrow_i32x4_s(code4(ra, round_f32x4), code4(rb, round_f32x4));
    const high_i16x8 = i16x8.narrow_i32x4_s(code4(re, round_f32x4), code4(rf, round_f32x4));
    past_i16x8 = i16x8.add(past_i16x8, i16x8.add(past8(low_i16x8, limit_i16x8), past8(high_i16x8, limit_i16x8)));
    v128.store(codes + i, i8x16.max_s(i8x16.narrow_i16x8_s(low_i16x8, high_i16x8), least_s8x16));
    // Each turn takes at most 2 from a lane, down to -2^15.
    if ((i & 0xffff) == 0xfff0) {
      past -= sum8(past_i16x8);
      past_i16x8 = i16x8.splat(0);
    }
  }
  count(counts, past - sum8(past_i16x8), 0);
  for (; i < n; ++i) {
    const at = (<usize>i) << 2;
    const rounded = quotient(load<f32>(w + at), load<f32>(divisors + at), rounding);
    store<i8>(codes + i, <i8>saturate(rounded, 127));
    count(counts, i32(abs(rounded) > 127), i32(rounded != rounded));
  }
}

// 1.5 * 2^23: the low mantissa bits of a sum with it are the other number rounded half to even.
const ROUND: f32 = 12582912.0;

// Not below -2^22, where that sum would leave its binade and far below wrap; upwards it only saturates.
// In this operand order pmax keeps a NaN.
// @ts-ignore: decorator
@inline
function quotient4(w: usize, divisors: usize, lowest_f32x4: v128): v128 {
  return f32x4.pmax(f32x4.div(v128.load(w), v128.load(divisors)), lowest_f32x4);
}

// The rounded quotient plus ROUND.
// @ts-ignore: decorator
@inline
function round4(x_f32x4: v128, round_f32x4: v128, rounding: i32): v128 {
  if (rounding == FLOOR) return f32x4.add(f32x4.floor(x_f32x4), round_f32x4);
  if (rounding == TRUNC) return f32x4.add(f32x4.trunc(x_f32x4), round_f32x4);
  return f32x4.add(x_f32x4, round_f32x4);
}

// True in the lanes where the f32 quotient tells the rounding of the exact one. Never for a NaN. A quotient
// of 0 is only certain where the weight is 0 as well: a tiny negative one has the floor -1.
// @ts-ignore: decorator
@inline
function certain4(
  w: usize, quotient_f32x4: v128, rounded_f32x4: v128, round_f32x4: v128, half_f32x4: v128, magnitude: v128,
  rounding: i32,
): v128 {
  const back_f32x4 = f32x4.sub(rounded_f32x4, round_f32x4);
  if (rounding == HALF_EVEN) {
    return f32x4.lt(v128.and(f32x4.sub(quotient_f32x4, back_f32x4), magnitude), half_f32x4);
  }
  const zero = f32x4.eq(v128.load(w), f32x4.splat(0));
  if (rounding == FLOOR) return v128.or(zero, f32x4.lt(back_f32x4, quotient_f32x4));
  return v128.or(zero, f32x4.lt(v128.and(back_f32x4, magnitude), v128.and(quotient_f32x4, magnitude)));
}

// The integer: the difference of the bits. Itself while it is within 2^22, otherwise one far past the limit on the same side.
// @ts-ignore: decorator
@inline
function code4(rounded_f32x4: v128, round_f32x4: v128): v128 {
  return i32x4.sub(rounded_f32x4, round_f32x4);
}

// -1 in the lanes past the limit. The magnitude of -2^15 is 2^15 when unsigned.
// @ts-ignore: decorator
@inline
function past8(codes_i16x8: v128, limit_i16x8: v128): v128 {
  return i16x8.gt_u(i16x8.abs(codes_i16x8), limit_i16x8);
}

// @ts-ignore: decorator
@inline
function sum8(x_i16x8: v128): i32 {
  return sum4(i32x4.extadd_pairwise_i16x8_s(x_i16x8));
}

function exact16(codes: usize, counts: usize, w: usize, divisors: usize, rounding: i32): void {
  let past_i64x2 = i64x2.splat(0);
  let nan_i64x2 = i64x2.splat(0);
  for (let at: usize = 0; at < 16; at += 4) {
    const weight_f32x4 = v128.load(w + (at << 2));
    const divisor_f32x4 = v128.load(divisors + (at << 2));
    const low = quotient2(f64x2.promote_low_f32x4(weight_f32x4), f64x2.promote_low_f32x4(divisor_f32x4), rounding);
    const high = quotient2(promote_high(weight_f32x4), promote_high(divisor_f32x4), rounding);
    past_i64x2 = i64x2.sub(past_i64x2, i64x2.add(past2(low, 127), past2(high, 127)));
    nan_i64x2 = i64x2.sub(nan_i64x2, i64x2.add(f64x2.ne(low, low), f64x2.ne(high, high)));
    const codes_i32x4 = saturate4(low, high, 127);
    const codes_i16x8 = i16x8.narrow_i32x4_s(codes_i32x4, codes_i32x4);
    v128.store32_lane(codes + at, i8x16.narrow_i16x8_s(codes_i16x8, codes_i16x8), 0);
  }
  count(counts, sum2(past_i64x2), sum2(nan_i64x2));
}

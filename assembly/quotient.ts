// Integer division of f32 by f32 that rounds the exact quotient, as the quantizers share it.
//
// In f64 the rounding of the quotient cannot cross an integer or a half: one that is not equal to k / 2
// differs from it by at least 2^-48 of itself, and f64 keeps 2^-53. In f32 it can, see f32_s8_quantize.

export const FLOOR: i32 = 0;
export const TRUNC: i32 = 1;
export const HALF_EVEN: i32 = 2;

// @ts-ignore: decorator
@inline
export function quotient2(w_f64x2: v128, divisor_f64x2: v128, rounding: i32): v128 {
  const quotient_f64x2 = f64x2.div(w_f64x2, divisor_f64x2);
  if (rounding == FLOOR) return f64x2.floor(quotient_f64x2);
  if (rounding == TRUNC) return f64x2.trunc(quotient_f64x2);
  return f64x2.nearest(quotient_f64x2);
}

// The upper two lanes as f64.
// @ts-ignore: decorator
@inline
export function promote_high(x_f32x4: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(x_f32x4, x_f32x4, 2, 3, 2, 3));
}

// -1 in both i64 lanes where the rounded quotient is past the limit; NaN is not.
// @ts-ignore: decorator
@inline
export function past2(quotient_f64x2: v128, limit: f64): v128 {
  return f64x2.gt(f64x2.abs(quotient_f64x2), f64x2.splat(limit));
}

// Four codes in [-limit, limit], NaN as 0.
// @ts-ignore: decorator
@inline
export function saturate4(low_f64x2: v128, high_f64x2: v128, limit: f64): v128 {
  const low = i32x4.trunc_sat_f64x2_s_zero(clamp2(low_f64x2, limit));
  const high = i32x4.trunc_sat_f64x2_s_zero(clamp2(high_f64x2, limit));
  return v128.shuffle<i32>(low, high, 0, 1, 4, 5);
}

// @ts-ignore: decorator
@inline
function clamp2(x_f64x2: v128, limit: f64): v128 {
  // In this operand order pmax and pmin keep a NaN.
  return f64x2.pmin(f64x2.pmax(x_f64x2, f64x2.splat(-limit)), f64x2.splat(limit));
}

// The rounded quotient of one weight.
export function quotient(w: f32, divisor: f32, rounding: i32): f64 {
  const exact = <f64>w / <f64>divisor;
  if (rounding == FLOOR) return floor(exact);
  if (rounding == TRUNC) return trunc(exact);
  return nearest(exact);
}

// One code in [-limit, limit], NaN as 0.
// @ts-ignore: decorator
@inline
export function saturate(rounded: f64, limit: f64): i32 {
  if (abs(rounded) > limit) return <i32>copysign(limit, rounded);
  return rounded == rounded ? <i32>rounded : 0;
}

// Adds to counts[0] those past the limit and to counts[1] those that are NaN.
// @ts-ignore: decorator
@inline
export function count(counts: usize, past: i32, nan: i32): void {
  store<i32>(counts, load<i32>(counts) + past);
  store<i32>(counts, load<i32>(counts, 4) + nan, 4);
}

// @ts-ignore: decorator
@inline
export function sum2(x_i64x2: v128): i32 {
  return <i32>(i64x2.extract_lane(x_i64x2, 0) + i64x2.extract_lane(x_i64x2, 1));
}

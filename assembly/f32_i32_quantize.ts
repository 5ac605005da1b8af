import { count, FLOOR, HALF_EVEN, past2, promote_high, quotient, quotient2, saturate, saturate4, sum2, TRUNC } from "./quotient";

const LIMIT: f64 = 2147483647;

// f32_i32_quantize: codes[i] = round(w[i] / divisors[i % period]), saturated to [-2147483647, 2147483647].
//
//   codes      i32[n]
//   counts     i32[2], added to: codes that saturated; weights that gave NaN, whose code is 0
//   w          f32[n], any alignment
//   divisors   f32[period], none of them 0; for w of [inputs][outputs] one per output is period = outputs
//   n          >= 0
//   period     >= 1; long ones run faster, so repeat a short one
//   rounding   0 floor, 1 trunc, 2 half to even: of the exact quotient, not of one rounded to f32
//
// In f64: f32 has no room for large quotients.
export function f32_i32_quantize(
  codes: usize, counts: usize, w: usize, divisors: usize, n: i32, period: i32, rounding: i32,
): void {
  assert(n >= 0 && period >= 1 && rounding >= FLOOR && rounding <= HALF_EVEN);
  for (let at = 0; at < n; at += period) {
    const length = min(period, n - at);
    if (rounding == FLOOR) row(codes, counts, w, divisors, length, FLOOR);
    else if (rounding == TRUNC) row(codes, counts, w, divisors, length, TRUNC);
    else row(codes, counts, w, divisors, length, HALF_EVEN);
    codes += (<usize>length) << 2;
    w += (<usize>length) << 2;
  }
}

// @ts-ignore: decorator
@inline
function row(codes: usize, counts: usize, w: usize, divisors: usize, n: i32, rounding: i32): void {
  let past_i64x2 = i64x2.splat(0);
  let nan_i64x2 = i64x2.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = (<usize>i) << 2;
    const weight_f32x4 = v128.load(w + at);
    const divisor_f32x4 = v128.load(divisors + at);
    const low = quotient2(f64x2.promote_low_f32x4(weight_f32x4), f64x2.promote_low_f32x4(divisor_f32x4), rounding);
    const high = quotient2(promote_high(weight_f32x4), promote_high(divisor_f32x4), rounding);
    past_i64x2 = i64x2.sub(past_i64x2, i64x2.add(past2(low, LIMIT), past2(high, LIMIT)));
    nan_i64x2 = i64x2.sub(nan_i64x2, i64x2.add(f64x2.ne(low, low), f64x2.ne(high, high)));
    const codes_i32x4 = saturate4(low, high, LIMIT);
    v128.store(codes + at, codes_i32x4);
  }
  count(counts, sum2(past_i64x2), sum2(nan_i64x2));
  for (; i < n; ++i) {
    const at = (<usize>i) << 2;
    const rounded = quotient(load<f32>(w + at), load<f32>(divisors + at), rounding);
    store<i32>(codes + ((<usize>i) << 2), <i32>saturate(rounded, LIMIT));
    count(counts, i32(abs(rounded) > LIMIT), i32(rounded != rounded));
  }
}

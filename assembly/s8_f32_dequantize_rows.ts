// s8_f32_dequantize_rows: w[i] = codes[i] * divisors[i % period].
//
//   w          f32[n]
//   codes      s8[n]
//   divisors   f32[period]
//   n          >= 0
//   period     >= 1; long ones run faster, so repeat a short one
//
// One rounding: a code is exact in f32.
export function s8_f32_dequantize_rows(w: usize, codes: usize, divisors: usize, n: i32, period: i32): void {
  assert(n >= 0 && period >= 1);
  for (let at = 0; at < n; at += period) {
    const length = min(period, n - at);
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      const offset = (<usize>i) << 2;
      const codes_i32x4 = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(codes + i)));
      v128.store(w + offset, f32x4.mul(f32x4.convert_i32x4_s(codes_i32x4), v128.load(divisors + offset)));
    }
    for (; i < length; ++i) {
      const offset = (<usize>i) << 2;
      store<f32>(w + offset, <f32>load<i8>(codes + ((<usize>i) << 0)) * load<f32>(divisors + offset));
    }
    codes += (<usize>length) << 0;
    w += (<usize>length) << 2;
  }
}

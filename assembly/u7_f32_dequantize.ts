// u7_f32_dequantize: x = (q - zero) * scale.
//
//   x          f32[n], written to whole groups of 4
//   q          u7[n], readable to whole groups of 4
//   n          >= 0
//   scale      positive
//   zero       in [0, 127]
export function u7_f32_dequantize(x: usize, q: usize, n: i32, scale: f32, zero: i32): void {
  const scale_f32x4 = f32x4.splat(scale);
  const zero_i32x4 = i32x4.splat(zero);
  for (const end = q + n; q < end; q += 4) {
    const q_i32x4 = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(q)));
    v128.store(x, f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(q_i32x4, zero_i32x4)), scale_f32x4));
    x += 16;
  }
}

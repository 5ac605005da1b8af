// u7_f32_dequantize: x = (q - zero) * scale.
//
//   x          f32[n]
//   q          u7[n]
//   n          >= 0
//   scale      positive
//   zero       in [0, 127]
export function u7_f32_dequantize(x: usize, q: usize, n: i32, scale: f32, zero: i32): void {
  for (let i = 0; i < n; ++i) {
    store<f32>(x, <f32>(<i32>load<u8>(q) - zero) * scale);
    x += 4;
    q += 1;
  }
}

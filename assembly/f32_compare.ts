// f32_compare: whether numbers are >= or <= a bound, as the bytes 1 and 0.
//
//   y          u8[n]
//   x          f32[n]
//   n          >= 0
//   bound      any; NaN on either side compares false
//   less       0: x >= bound; 1: x <= bound
export function f32_compare(y: usize, x: usize, n: i32, bound: f32, less: i32): void {
  const bound_f32x4 = f32x4.splat(bound);
  const end = y + n;
  for (; y + 16 <= end; y += 16) {
    const a = compare(x, bound_f32x4, less);
    const b = compare(x + 16, bound_f32x4, less);
    const c = compare(x + 32, bound_f32x4, less);
    const d = compare(x + 48, bound_f32x4, less);
    const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
    v128.store(y, v128.and(bytes, i8x16.splat(1)));
    x += 64;
  }
  for (; y < end; ++y) {
    const value = load<f32>(x);
    store<u8>(y, u8(less ? value <= bound : value >= bound));
    x += 4;
  }
}

// @ts-ignore: decorator
@inline
function compare(x: usize, bound_f32x4: v128, less: i32): v128 {
  return less ? f32x4.le(v128.load(x), bound_f32x4) : f32x4.ge(v128.load(x), bound_f32x4);
}

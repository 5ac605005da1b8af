// f32_abs_max: the largest magnitude.
//
//   w          f32[n], any alignment
//   n          >= 0
//   returns    >= 0; 0 where there is no number. NaN is passed over
export function f32_abs_max(w: usize, n: i32): f32 {
  assert(n >= 0);
  let a_f32x4 = f32x4.splat(0);
  let b_f32x4 = f32x4.splat(0);
  let i = 0;
  // pmax keeps its first operand where the second is NaN.
  for (; i + 8 <= n; i += 8) {
    a_f32x4 = f32x4.pmax(a_f32x4, f32x4.abs(v128.load(w)));
    b_f32x4 = f32x4.pmax(b_f32x4, f32x4.abs(v128.load(w, 16)));
    w += 32;
  }
  for (; i < n; ++i) {
    a_f32x4 = f32x4.pmax(a_f32x4, f32x4.abs(v128.load32_splat(w)));
    w += 4;
  }
  a_f32x4 = f32x4.pmax(a_f32x4, b_f32x4);
  return max(
    max(f32x4.extract_lane(a_f32x4, 0), f32x4.extract_lane(a_f32x4, 1)),
    max(f32x4.extract_lane(a_f32x4, 2), f32x4.extract_lane(a_f32x4, 3)),
  );
}

// f32_min_max: the smallest and the largest weight.
//
//   range      f32[2], added to: Infinity and -Infinity before the first call. NaN is passed over
//   w          f32[n], any alignment
//   n          >= 0
//
// A zero comes out as +0, whatever its sign was.
export function f32_min_max(range: usize, w: usize, n: i32): void {
  assert(n >= 0);
  let low_f32x4 = v128.load32_splat(range);
  let high_f32x4 = v128.load32_splat(range + 4);
  let i = 0;
  // pmin and pmax keep their first operand where the second is NaN.
  for (; i + 4 <= n; i += 4) {
    const weight_f32x4 = v128.load(w);
    low_f32x4 = f32x4.pmin(low_f32x4, weight_f32x4);
    high_f32x4 = f32x4.pmax(high_f32x4, weight_f32x4);
    w += 16;
  }
  for (; i < n; ++i) {
    const weight_f32x4 = v128.load32_splat(w);
    low_f32x4 = f32x4.pmin(low_f32x4, weight_f32x4);
    high_f32x4 = f32x4.pmax(high_f32x4, weight_f32x4);
    w += 4;
  }
  const low = min(
    min(f32x4.extract_lane(low_f32x4, 0), f32x4.extract_lane(low_f32x4, 1)),
    min(f32x4.extract_lane(low_f32x4, 2), f32x4.extract_lane(low_f32x4, 3)),
  );
  const high = max(
    max(f32x4.extract_lane(high_f32x4, 0), f32x4.extract_lane(high_f32x4, 1)),
    max(f32x4.extract_lane(high_f32x4, 2), f32x4.extract_lane(high_f32x4, 3)),
  );
  // -0 + 0 is 0: which zero a lane had met first must not show.
  store<f32>(range, low + 0);
  store<f32>(range, high + 0, 4);
}

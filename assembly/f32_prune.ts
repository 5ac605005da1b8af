import { sum4 } from "./lanes";

// f32_prune: zero every weight whose magnitude is below a threshold, in place.
//
//   w          f32[n], any alignment
//   n          number of weights, >= 0
//   threshold  >= 0; a weight equal to it is kept
//   returns    number of weights zeroed by this call; those that were 0 before do not count
//
// Exact in every binary: kept bits are untouched, NaN is kept, -0 becomes 0 where threshold > 0.
export function f32_prune(w: usize, n: i32, threshold: f32): i32 {
  assert(n >= 0 && threshold >= 0);
  const threshold_f32x4 = f32x4.splat(threshold);
  let zeroed_i32x4 = i32x4.splat(0);
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const a_i32x4 = i32x4.add(prune4(w, threshold_f32x4), prune4(w + 16, threshold_f32x4));
    const b_i32x4 = i32x4.add(prune4(w + 32, threshold_f32x4), prune4(w + 48, threshold_f32x4));
    zeroed_i32x4 = i32x4.sub(zeroed_i32x4, i32x4.add(a_i32x4, b_i32x4));
    w += 64;
  }
  let zeroed = sum4(zeroed_i32x4);
  for (; i < n; ++i) {
    const weight = load<f32>(w);
    if (abs(weight) < threshold) {
      store<f32>(w, 0);
      zeroed += i32(weight != 0);
    }
    w += 4;
  }
  return zeroed;
}

// -1 in the lanes that it zeroed.
// @ts-ignore: decorator
@inline
function prune4(w: usize, threshold_f32x4: v128): v128 {
  const weight_f32x4 = v128.load(w);
  // lt, not ge: NaN must be kept
  const below = f32x4.lt(f32x4.abs(weight_f32x4), threshold_f32x4);
  v128.store(w, v128.andnot(weight_f32x4, below));
  return v128.and(below, f32x4.ne(weight_f32x4, f32x4.splat(0)));
}

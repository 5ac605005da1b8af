// f32_prune_ties: zero the first weights whose magnitude equals a threshold, in place.
//
//   w          f32[n], any alignment
//   n          number of weights, >= 0
//   threshold  > 0, may be Infinity
//   ties       how many at most, >= 0; those of the lowest index
//   returns    number of weights zeroed, <= ties
//
// After f32_prune it makes a target sparsity exact where weights share the k-th magnitude.
export function f32_prune_ties(w: usize, n: i32, threshold: f32, ties: i32): i32 {
  assert(n >= 0 && threshold > 0 && ties >= 0);
  const threshold_f32x4 = f32x4.splat(threshold);
  let left = ties;
  let i = 0;
  for (; i + 16 <= n && left > 0; i += 16) {
    const tied = v128.or(
      v128.or(tied4(w, threshold_f32x4), tied4(w + 16, threshold_f32x4)),
      v128.or(tied4(w + 32, threshold_f32x4), tied4(w + 48, threshold_f32x4)),
    );
    if (v128.any_true(tied)) {
      for (let lane: usize = 0; lane < 64; lane += 4) left -= prune1(w + lane, threshold, left);
    }
    w += 64;
  }
  for (; i < n && left > 0; ++i) {
    left -= prune1(w, threshold, left);
    w += 4;
  }
  return ties - left;
}

// @ts-ignore: decorator
@inline
function tied4(w: usize, threshold_f32x4: v128): v128 {
  return f32x4.eq(f32x4.abs(v128.load(w)), threshold_f32x4);
}

// @ts-ignore: decorator
@inline
function prune1(w: usize, threshold: f32, left: i32): i32 {
  if (left == 0 || abs(load<f32>(w)) != threshold) return 0;
  store<f32>(w, 0);
  return 1;
}

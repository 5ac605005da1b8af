// f32_histogram: how many weights lie in each of equal bins.
//
//   counts     i32[bins + 3], added to: the bins; then those below low, those above high, NaN
//   w          f32[n], any alignment
//   n          >= 0
//   bins       >= 1, below 2^24
//   low, high  the first bin begins at low, the last ends with high, included; finite
//   inverse    bins / (high - low), finite, > 0
//
// bin = trunc((w - low) * inverse), at most bins - 1; two roundings, never a fused one.
export function f32_histogram(counts: usize, w: usize, n: i32, bins: i32, low: f32, high: f32, inverse: f32): void {
  assert(n >= 0 && bins >= 1 && low < high && inverse > 0);
  for (let i = 0; i < n; ++i) {
    const weight = load<f32>(w + ((<usize>i) << 2));
    let bin: i32;
    if (weight >= low && weight <= high) bin = min(<i32>((weight - low) * inverse), bins - 1);
    else bin = bins + (weight < low ? 0 : weight > high ? 1 : 2);
    const at = counts + ((<usize>bin) << 2);
    store<i32>(at, load<i32>(at) + 1);
  }
}

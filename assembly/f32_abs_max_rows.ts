// f32_abs_max_rows: the largest magnitude of each place in a row: y[i % period] = max(itself, |w[i]|).
//
//   y          f32[period], added to: 0 before the first call. NaN is passed over
//   w          f32[n], any alignment; for w of [inputs][outputs] one per output is period = outputs
//   n          >= 0
//   period     >= 1; long ones run faster, so take a multiple of a short one and fold y
export function f32_abs_max_rows(y: usize, w: usize, n: i32, period: i32): void {
  assert(n >= 0 && period >= 1);
  for (let at = 0; at < n; at += period) {
    const length = min(period, n - at);
    let i = 0;
    // pmax keeps its first operand where the second is NaN.
    for (; i + 4 <= length; i += 4) {
      const offset = (<usize>i) << 2;
      v128.store(y + offset, f32x4.pmax(v128.load(y + offset), f32x4.abs(v128.load(w + offset))));
    }
    for (; i < length; ++i) {
      const offset = (<usize>i) << 2;
      const magnitude = abs(load<f32>(w + offset));
      if (magnitude > load<f32>(y + offset)) store<f32>(y + offset, magnitude);
    }
    w += (<usize>length) << 2;
  }
}

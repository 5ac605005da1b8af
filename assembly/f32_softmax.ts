import { exp4, log4 } from "./math";

// f32_softmax: softmax or its logarithm over the last axis.
//
//   y          f32[rows][n], may be x
//   x          f32[rows][n]
//   rows, n    >= 0
//   log        1: log-softmax
//
// Sums in order of the index: same bits in every binary.
export function f32_softmax(y: usize, x: usize, rows: i32, n: i32, log: i32): void {
  for (let row = 0; row < rows; ++row) {
    let top: f32 = -Infinity;
    for (let i = 0; i < n; ++i) {
      const value = load<f32>(x + (i << 2));
      if (value > top) top = value;
    }
    let sum: f32 = 0;
    for (let i = 0; i < n; ++i) {
      const at = i << 2;
      const shifted = load<f32>(x + at) - top;
      const e = f32x4.extract_lane(exp4(f32x4.splat(shifted)), 0);
      sum += e;
      store<f32>(y + at, log ? shifted : e);
    }
    if (log) {
      const log_sum = f32x4.extract_lane(log4(f32x4.splat(sum)), 0);
      for (let i = 0; i < n; ++i) store<f32>(y + (i << 2), load<f32>(y + (i << 2)) - log_sum);
    } else {
      for (let i = 0; i < n; ++i) store<f32>(y + (i << 2), load<f32>(y + (i << 2)) / sum);
    }
    x += n << 2;
    y += n << 2;
  }
}

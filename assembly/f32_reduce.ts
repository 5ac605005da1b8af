import { store_lanes } from "./words";

// f32_reduce: one number out of each k, over an axis with rows before it and n numbers after it.
//
//   y          f32[rows][n]
//   x          f32[rows][k][n]; readable to 3 words past its end
//   rows, n    >= 0
//   k          > 0
//   fn         sum, mean, max, min, product
//
// In order of k, each step rounded; mean is the sum over k, rounded once more. max and min keep the
// earlier number where the comparison fails. Same bits in every binary.
export function f32_reduce(y: usize, x: usize, rows: i32, k: i32, n: i32, fn: i32): void {
  const step = <usize>n << 2;
  const k_f32x4 = f32x4.splat(<f32>k);
  for (let row = 0; row < rows; ++row) {
    for (let i = 0; i < n; i += 4) {
      let from = x + (<usize>i << 2);
      let sum_f32x4 = v128.load(from);
      for (let j = 1; j < k; ++j) {
        from += step;
        const x_f32x4 = v128.load(from);
        if (fn < 2) sum_f32x4 = f32x4.add(sum_f32x4, x_f32x4);
        else if (fn == 2) sum_f32x4 = f32x4.pmax(sum_f32x4, x_f32x4);
        else if (fn == 3) sum_f32x4 = f32x4.pmin(sum_f32x4, x_f32x4);
        else sum_f32x4 = f32x4.mul(sum_f32x4, x_f32x4);
      }
      if (fn == 1) sum_f32x4 = f32x4.div(sum_f32x4, k_f32x4);
      store_lanes(y + (<usize>i << 2), sum_f32x4, n - i);
    }
    y += step;
    x += step * <usize>k;
  }
}

import { store_lanes } from "./words";

// f32_prelu: y = x where x >= 0, else alpha * x.
//
//   y          f32[rows][n], may be x
//   x          f32[rows][n]; readable to 3 words past its end
//   alpha      f32[n]; readable to 3 words past its end
//   rows, n    >= 0
export function f32_prelu(y: usize, x: usize, alpha: usize, rows: i32, n: i32): void {
  const zero_f32x4 = f32x4.splat(0);
  for (let row = 0; row < rows; ++row) {
    for (let i = 0; i < n; i += 4) {
      const at = <usize>i << 2;
      const x_f32x4 = v128.load(x + at);
      const below_f32x4 = f32x4.mul(v128.load(alpha + at), x_f32x4);
      store_lanes(y + at, v128.bitselect(below_f32x4, x_f32x4, f32x4.lt(x_f32x4, zero_f32x4)), n - i);
    }
    x += <usize>n << 2;
    y += <usize>n << 2;
  }
}

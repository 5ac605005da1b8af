// f32_prelu: y = x where x >= 0, else alpha * x.
//
//   y          f32[rows][n], may be x
//   x          f32[rows][n]
//   alpha      f32[n]
//   rows, n    >= 0
export function f32_prelu(y: usize, x: usize, alpha: usize, rows: i32, n: i32): void {
  for (let row = 0; row < rows; ++row) {
    for (let i = 0; i < n; ++i) {
      const at: usize = i << 2;
      const value = load<f32>(x + at);
      store<f32>(y + at, value < 0 ? load<f32>(alpha + at) * value : value);
    }
    x += n << 2;
    y += n << 2;
  }
}

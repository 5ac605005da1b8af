// f32_matvec_csr: y = W x + bias, W sparse by rows.
//
//   y          f32[n]
//   x          f32[k]
//   values     f32[starts[n]]
//   cols       i32[starts[n]], in [0, k)
//   starts     i32[n + 1]
//   bias       f32[n]
//   n          outputs, >= 0
//
// Four sums, product j of a row into sum j % 4; then (0 + 1) + (2 + 3) + bias. Same bits everywhere.
export function f32_matvec_csr(y: usize, x: usize, values: usize, cols: usize, starts: usize, bias: usize, n: i32): void {
  for (let row = 0; row < n; ++row) {
    let at: usize = <usize>load<i32>(starts + (row << 2)) << 2;
    const end: usize = <usize>load<i32>(starts + (row << 2), 4) << 2;
    let s0: f32 = 0;
    let s1: f32 = 0;
    let s2: f32 = 0;
    let s3: f32 = 0;
    for (; at + 16 <= end; at += 16) {
      s0 += load<f32>(values + at) * load<f32>(x + (<usize>load<i32>(cols + at) << 2));
      s1 += load<f32>(values + at, 4) * load<f32>(x + (<usize>load<i32>(cols + at, 4) << 2));
      s2 += load<f32>(values + at, 8) * load<f32>(x + (<usize>load<i32>(cols + at, 8) << 2));
      s3 += load<f32>(values + at, 12) * load<f32>(x + (<usize>load<i32>(cols + at, 12) << 2));
    }
    if (at < end) s0 += load<f32>(values + at) * load<f32>(x + (<usize>load<i32>(cols + at) << 2));
    if (at + 4 < end) s1 += load<f32>(values + at, 4) * load<f32>(x + (<usize>load<i32>(cols + at, 4) << 2));
    if (at + 8 < end) s2 += load<f32>(values + at, 8) * load<f32>(x + (<usize>load<i32>(cols + at, 8) << 2));
    store<f32>(y + (row << 2), s0 + s1 + (s2 + s3) + load<f32>(bias + (row << 2)));
  }
}

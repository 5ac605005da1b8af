// f32_layer_norm: (x - mean) / sqrt(variance + epsilon) * gamma + beta over the last axis.
//
//   y          f32[rows][n], may be x
//   x          f32[rows][n]
//   gamma      f32[n]
//   beta       f32[n]
//   rows, n    >= 0
//   epsilon    > 0
//
// Sums in order of the index, of differences from the mean; each operation rounded: same bits in every
// binary.
export function f32_layer_norm(y: usize, x: usize, gamma: usize, beta: usize, rows: i32, n: i32, epsilon: f32): void {
  const row = <usize>n << 2;
  for (let i = 0; i < rows; ++i) {
    let mean: f32 = 0;
    for (let at: usize = 0; at < row; at += 4) mean += load<f32>(x + at);
    mean /= <f32>n;
    let variance: f32 = 0;
    for (let at: usize = 0; at < row; at += 4) {
      const difference = load<f32>(x + at) - mean;
      variance += difference * difference;
    }
    const inverse: f32 = 1 / sqrt<f32>(variance / <f32>n + epsilon);
    for (let at: usize = 0; at < row; at += 4) {
      store<f32>(y + at, (load<f32>(x + at) - mean) * inverse * load<f32>(gamma + at) + load<f32>(beta + at));
    }
    x += row;
    y += row;
  }
}

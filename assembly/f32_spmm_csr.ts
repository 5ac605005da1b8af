// f32_spmm_csr: Y = W X + bias, W sparse by rows, X and Y with the pixels side by side.
//
//   y          f32[n][m]
//   x          f32[k][m]
//   values     f32[starts[n]]
//   cols       i32[starts[n]], in [0, k)
//   starts     i32[n + 1]
//   bias       f32[n]
//   n, m       outputs and pixels, >= 0
//
// Every output adds its products to the bias in the order of its row. Same bits everywhere.
export function f32_spmm_csr(
  y: usize,
  x: usize,
  values: usize,
  cols: usize,
  starts: usize,
  bias: usize,
  n: i32,
  m: i32,
): void {
  const stride: usize = <usize>m << 2;
  let pixel = 0;
  for (; pixel + 16 <= m; pixel += 16) {
    let out = y;
    for (let row = 0; row < n; ++row) {
      let s0 = v128.load32_splat(bias + (row << 2));
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      const end: usize = <usize>load<i32>(starts + (row << 2), 4) << 2;
      for (let at: usize = <usize>load<i32>(starts + (row << 2)) << 2; at < end; at += 4) {
        const w = v128.load32_splat(values + at);
        const xr = x + <usize>load<i32>(cols + at) * stride;
        s0 = f32x4.add(s0, f32x4.mul(w, v128.load(xr)));
        s1 = f32x4.add(s1, f32x4.mul(w, v128.load(xr, 16)));
        s2 = f32x4.add(s2, f32x4.mul(w, v128.load(xr, 32)));
        s3 = f32x4.add(s3, f32x4.mul(w, v128.load(xr, 48)));
      }
      v128.store(out, s0);
      v128.store(out, s1, 16);
      v128.store(out, s2, 32);
      v128.store(out, s3, 48);
      out += stride;
    }
    x += 64;
    y += 64;
  }
  for (; pixel < m; ++pixel) {
    let out = y;
    for (let row = 0; row < n; ++row) {
      let sum = load<f32>(bias + (row << 2));
      const end: usize = <usize>load<i32>(starts + (row << 2), 4) << 2;
      for (let at: usize = <usize>load<i32>(starts + (row << 2)) << 2; at < end; at += 4) {
        sum += load<f32>(values + at) * load<f32>(x + <usize>load<i32>(cols + at) * stride);
      }
      store<f32>(out, sum);
      out += stride;
    }
    x += 4;
    y += 4;
  }
}

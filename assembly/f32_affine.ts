// f32_affine: y = x * scale + offset, per channel of the last axis.
//
//   y          f32[rows][n], may be x
//   x          f32[rows][n]
//   scale      f32[n]
//   offset     f32[n]
//   rows, n    >= 0
//
// Two roundings, never a fused one: same bits in every binary.
export function f32_affine(y: usize, x: usize, scale: usize, offset: usize, rows: i32, n: i32): void {
  for (let row = 0; row < rows; ++row) {
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      const at: usize = i << 2;
      v128.store(y + at, f32x4.add(f32x4.mul(v128.load(x + at), v128.load(scale + at)), v128.load(offset + at)));
    }
    for (; i < n; ++i) {
      const at: usize = i << 2;
      store<f32>(y + at, load<f32>(x + at) * load<f32>(scale + at) + load<f32>(offset + at));
    }
    x += n << 2;
    y += n << 2;
  }
}

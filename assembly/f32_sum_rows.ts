// f32_sum_rows: the sum of the rows of a matrix, each column times a factor.
//
//   y          f32[n]
//   x          f32[m][n]
//   m, n       >= 0
//   scale      1 for the sum, 1 / m for the mean
//
// Rows are added in order in blocks of 128, whose sums are added in order: same bits in every binary.
const BLOCK: i32 = 128;

export function f32_sum_rows(y: usize, x: usize, m: i32, n: i32, scale: f32): void {
  const row = <usize>n << 2;
  memory.fill(y, 0, row);
  for (let i = 0; i < m; i += BLOCK) {
    const end = x + row * min(BLOCK, m - i);
    let j: usize = 0;
    for (; j + 64 <= row; j += 64) {
      let s0 = f32x4.splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      for (let at = x + j; at < end; at += row) {
        s0 = f32x4.add(s0, v128.load(at));
        s1 = f32x4.add(s1, v128.load(at, 16));
        s2 = f32x4.add(s2, v128.load(at, 32));
        s3 = f32x4.add(s3, v128.load(at, 48));
      }
      v128.store(y + j, f32x4.add(v128.load(y + j), s0));
      v128.store(y + j, f32x4.add(v128.load(y + j, 16), s1), 16);
      v128.store(y + j, f32x4.add(v128.load(y + j, 32), s2), 32);
      v128.store(y + j, f32x4.add(v128.load(y + j, 48), s3), 48);
    }
    for (; j + 16 <= row; j += 16) {
      let sum = f32x4.splat(0);
      for (let at = x + j; at < end; at += row) sum = f32x4.add(sum, v128.load(at));
      v128.store(y + j, f32x4.add(v128.load(y + j), sum));
    }
    for (; j < row; j += 4) {
      let sum: f32 = 0;
      for (let at = x + j; at < end; at += row) sum += load<f32>(at);
      store<f32>(y + j, load<f32>(y + j) + sum);
    }
    x = end;
  }
  for (const end = y + row; y < end; y += 4) store<f32>(y, load<f32>(y) * scale);
}

// f32_matmul: Y = X W + bias, dense.
//
//   y          f32[m][n]
//   x          f32[m][k]
//   w          f32[k][n]
//   bias       f32[n]
//   m, k, n    >= 0
//
// Every output adds its k products to the bias in order of k, each product and sum rounded apart:
// same bits in every binary and for every m.
export function f32_matmul(y: usize, x: usize, w: usize, bias: usize, m: i32, k: i32, n: i32): void {
  const row: usize = <usize>n << 2;
  const x_row: usize = <usize>k << 2;
  let i = 0;
  for (; i + 4 <= m; i += 4) {
    let j = 0;
    for (; j + 8 <= n; j += 8) tile_4x8(y + (<usize>j << 2), x, w + (<usize>j << 2), bias + (<usize>j << 2), k, row, x_row);
    for (; j < n; ++j) {
      for (let r: usize = 0; r < 4; ++r) column(y + r * row + (<usize>j << 2), x + r * x_row, w + (<usize>j << 2), bias + (<usize>j << 2), k, row);
    }
    y += row << 2;
    x += x_row << 2;
  }
  for (; i < m; ++i) {
    let j = 0;
    for (; j + 32 <= n; j += 32) tile_1x32(y + (<usize>j << 2), x, w + (<usize>j << 2), bias + (<usize>j << 2), k, row);
    for (; j + 4 <= n; j += 4) tile_1x4(y + (<usize>j << 2), x, w + (<usize>j << 2), bias + (<usize>j << 2), k, row);
    for (; j < n; ++j) column(y + (<usize>j << 2), x, w + (<usize>j << 2), bias + (<usize>j << 2), k, row);
    y += row;
    x += x_row;
  }
}

function column(y: usize, x: usize, w: usize, bias: usize, k: i32, row: usize): void {
  let sum = load<f32>(bias);
  for (const end = x + (<usize>k << 2); x < end; x += 4) {
    sum += load<f32>(x) * load<f32>(w);
    w += row;
  }
  store<f32>(y, sum);
}

function tile_1x4(y: usize, x: usize, w: usize, bias: usize, k: i32, row: usize): void {
  let sum = v128.load(bias);
  for (const end = x + (<usize>k << 2); x < end; x += 4) {
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(x), v128.load(w)));
    w += row;
  }
  v128.store(y, sum);
}

function tile_1x32(y: usize, x: usize, w: usize, bias: usize, k: i32, row: usize): void {
  let s0 = v128.load(bias);
  let s1 = v128.load(bias, 16);
  let s2 = v128.load(bias, 32);
  let s3 = v128.load(bias, 48);
  let s4 = v128.load(bias, 64);
  let s5 = v128.load(bias, 80);
  let s6 = v128.load(bias, 96);
  let s7 = v128.load(bias, 112);
  for (const end = x + (<usize>k << 2); x < end; x += 4) {
    const a = v128.load32_splat(x);
    s0 = f32x4.add(s0, f32x4.mul(a, v128.load(w)));
    s1 = f32x4.add(s1, f32x4.mul(a, v128.load(w, 16)));
    s2 = f32x4.add(s2, f32x4.mul(a, v128.load(w, 32)));
    s3 = f32x4.add(s3, f32x4.mul(a, v128.load(w, 48)));
    s4 = f32x4.add(s4, f32x4.mul(a, v128.load(w, 64)));
    s5 = f32x4.add(s5, f32x4.mul(a, v128.load(w, 80)));
    s6 = f32x4.add(s6, f32x4.mul(a, v128.load(w, 96)));
    s7 = f32x4.add(s7, f32x4.mul(a, v128.load(w, 112)));
    w += row;
  }
  v128.store(y, s0);
  v128.store(y, s1, 16);
  v128.store(y, s2, 32);
  v128.store(y, s3, 48);
  v128.store(y, s4, 64);
  v128.store(y, s5, 80);
  v128.store(y, s6, 96);
  v128.store(y, s7, 112);
}

function tile_4x8(y: usize, x: usize, w: usize, bias: usize, k: i32, row: usize, x_row: usize): void {
  let a0 = v128.load(bias);
  let a1 = v128.load(bias, 16);
  let b0 = a0;
  let b1 = a1;
  let c0 = a0;
  let c1 = a1;
  let d0 = a0;
  let d1 = a1;
  const xb = x + x_row;
  const xc = xb + x_row;
  const xd = xc + x_row;
  for (let at: usize = 0, end = <usize>k << 2; at < end; at += 4) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const a = v128.load32_splat(x + at);
    const b = v128.load32_splat(xb + at);
    const c = v128.load32_splat(xc + at);
    const d = v128.load32_splat(xd + at);
    a0 = f32x4.add(a0, f32x4.mul(a, w0));
    a1 = f32x4.add(a1, f32x4.mul(a, w1));
    b0 = f32x4.add(b0, f32x4.mul(b, w0));
    b1 = f32x4.add(b1, f32x4.mul(b, w1));
    c0 = f32x4.add(c0, f32x4.mul(c, w0));
    c1 = f32x4.add(c1, f32x4.mul(c, w1));
    d0 = f32x4.add(d0, f32x4.mul(d, w0));
    d1 = f32x4.add(d1, f32x4.mul(d, w1));
    w += row;
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
  v128.store(y + row, b0);
  v128.store(y + row, b1, 16);
  v128.store(y + (row << 1), c0);
  v128.store(y + (row << 1), c1, 16);
  v128.store(y + row * 3, d0);
  v128.store(y + row * 3, d1, 16);
}

// u7_c4_rows: C4 planes to rows of channels.
//
//   y          u7[m][y_stride bytes], writable to k4 * 4 bytes a row
//   x          u7[k4][x_stride bytes], pixel p of plane g at g * x_stride + 4 p
//   m, k4      pixels and groups of 4 channels, >= 0
//   x_stride, y_stride  bytes
export function u7_c4_rows(y: usize, x: usize, m: i32, k4: i32, x_stride: i32, y_stride: i32): void {
  for (let pixel = 0; pixel < m; ++pixel) {
    let to = y;
    let from = x + (<usize>pixel << 2);
    for (let group = 0; group < k4; ++group) {
      store<u32>(to, load<u32>(from));
      from += x_stride;
      to += 4;
    }
    y += y_stride;
  }
}

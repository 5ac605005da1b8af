// u7_rows_c4: rows of channels to C4 planes.
//
//   y          u7[k4][y_stride bytes], pixel p of plane g at g * y_stride + 4 p
//   x          u7[m][x_stride bytes], readable to k4 * 4 bytes a row
//   m, k4      pixels and groups of 4 channels, >= 0
//   x_stride, y_stride  bytes
export function u7_rows_c4(y: usize, x: usize, m: i32, k4: i32, x_stride: i32, y_stride: i32): void {
  for (let pixel = 0; pixel < m; ++pixel) {
    let to = y + (<usize>pixel << 2);
    let from = x;
    for (let group = 0; group < k4; ++group) {
      store<u32>(to, load<u32>(from));
      from += 4;
      to += y_stride;
    }
    x += x_stride;
  }
}

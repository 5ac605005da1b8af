import { transpose4 } from "./transpose";

// u7_c4_rows: C4 planes to rows of channels.
//
//   y          u7[m][y_stride bytes], written to k4 * 4 bytes a row: where y_stride is less, each row
//              runs over into the next, which is written after it
//   x          u7[k4][x_stride bytes], pixel p of plane g at g * x_stride + 4 p
//   m, k4      pixels and groups of 4 channels, >= 0
//   x_stride, y_stride  bytes
export function u7_c4_rows(y: usize, x: usize, m: i32, k4: i32, x_stride: i32, y_stride: i32): void {
  // Rows that run over must be written from the first to the last, whole.
  if (y_stride < k4 << 2) {
    for (let pixel = 0; pixel < m; ++pixel) {
      let from = x + (<usize>pixel << 2);
      for (let to = y, end = y + (<usize>k4 << 2); to < end; to += 4) {
        store<u32>(to, load<u32>(from));
        from += x_stride;
      }
      y += y_stride;
    }
    return;
  }
  transpose4(y, x, k4, m, x_stride, y_stride);
}

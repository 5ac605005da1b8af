import { transpose4 } from "./transpose";

// u7_rows_c4: rows of channels to C4 planes.
//
//   y          u7[k4][y_stride bytes], pixel p of plane g at g * y_stride + 4 p
//   x          u7[m][x_stride bytes], readable to k4 * 4 bytes a row
//   m, k4      pixels and groups of 4 channels, >= 0
//   x_stride, y_stride  bytes
export function u7_rows_c4(y: usize, x: usize, m: i32, k4: i32, x_stride: i32, y_stride: i32): void {
  transpose4(y, x, m, k4, x_stride, y_stride);
}

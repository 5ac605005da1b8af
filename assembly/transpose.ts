// Transposes a matrix of 4-byte words: word (row, col) of x goes to (col, row) of y.
//
//   y          [cols][y_stride bytes], written to rows * 4 bytes a row
//   x          [rows][x_stride bytes]
//
// 4 x 4 words at a time; what is left over, word by word. In order of col, then row, within each four.
export function transpose4(y: usize, x: usize, rows: i32, cols: i32, x_stride: i32, y_stride: i32): void {
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    let from = x;
    let to = y;
    let col = 0;
    for (; col + 4 <= cols; col += 4) {
      const a = v128.load(from);
      const b = v128.load(from + x_stride);
      const c = v128.load(from + (x_stride << 1));
      const d = v128.load(from + x_stride * 3);
      const ab_lo = i32x4.shuffle(a, b, 0, 4, 1, 5);
      const ab_hi = i32x4.shuffle(a, b, 2, 6, 3, 7);
      const cd_lo = i32x4.shuffle(c, d, 0, 4, 1, 5);
      const cd_hi = i32x4.shuffle(c, d, 2, 6, 3, 7);
      v128.store(to, i64x2.shuffle(ab_lo, cd_lo, 0, 2));
      v128.store(to + y_stride, i64x2.shuffle(ab_lo, cd_lo, 1, 3));
      v128.store(to + (y_stride << 1), i64x2.shuffle(ab_hi, cd_hi, 0, 2));
      v128.store(to + y_stride * 3, i64x2.shuffle(ab_hi, cd_hi, 1, 3));
      from += 16;
      to += y_stride << 2;
    }
    for (; col < cols; ++col) {
      store<u32>(to, load<u32>(from));
      store<u32>(to, load<u32>(from + x_stride), 4);
      store<u32>(to, load<u32>(from + (x_stride << 1)), 8);
      store<u32>(to, load<u32>(from + x_stride * 3), 12);
      from += 4;
      to += y_stride;
    }
    x += x_stride << 2;
    y += 16;
  }
  for (; row < rows; ++row) {
    let to = y;
    for (let col: usize = 0, end = <usize>cols << 2; col < end; col += 4) {
      store<u32>(to, load<u32>(x + col));
      to += y_stride;
    }
    x += x_stride;
    y += 4;
  }
}

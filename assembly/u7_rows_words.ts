import { gather16 } from "./simd";

// u7_rows_words: planes whose pixels are 4 neighbouring bytes of a row: for windows over few channels, and to deal the
// columns of a C4 plane out by their remainder, for strides across.
//
//   y          u7[groups][y_stride bytes]: row r, column c of group g, y_row * r + 4 c, is the word at
//              r * x_row + c * step + 4 g of x
//   x          u7[rows][x_row bytes], readable to columns * step + groups * 4 + 8 bytes a row
//   rows, columns, groups  >= 0
//   step       bytes from column to column
//   x_row, y_row, y_stride  bytes from row to row and from group to group
export function u7_rows_words(
  y: usize,
  x: usize,
  rows: i32,
  columns: i32,
  groups: i32,
  step: i32,
  x_row: i32,
  y_row: i32,
  y_stride: i32,
): void {
  // Of a vector, the four bytes from 0, step, 2 step and 3 step on.
  const lanes = i32x4.add(i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(step * 0x01010101)), i32x4.splat(0x03020100));
  for (let row = 0; row < rows; ++row) {
    let to = y;
    for (let group = 0; group < groups; ++group) {
      let from = x + (<usize>group << 2);
      const end = to + (<usize>columns << 2);
      let at = to;
      if (step <= 4) {
        for (; at + 16 <= end; at += 16) {
          v128.store(at, gather16(v128.load(from), lanes));
          from += step << 2;
        }
      }
      if (step == 8) {
        for (; at + 16 <= end; at += 16) {
          v128.store(at, i32x4.shuffle(v128.load(from), v128.load(from, 16), 0, 2, 4, 6));
          from += 32;
        }
      }
      for (; at + 16 <= end; at += 16) {
        const ab = v128.load32_lane(from + step, v128.load32_zero(from), 1);
        from += step << 1;
        v128.store(at, v128.load32_lane(from + step, v128.load32_lane(from, ab, 2), 3));
        from += step << 1;
      }
      for (; at < end; at += 4) {
        store<u32>(at, load<u32>(from));
        from += step;
      }
      to += y_stride;
    }
    x += x_row;
    y += y_row;
  }
}

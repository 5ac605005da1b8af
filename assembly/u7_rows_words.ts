// u7_rows_words: planes whose pixels are 4 neighbouring bytes of a row, for windows over few channels.
//
//   y          u7[groups][y_stride bytes]: row r, column c of group g is the word at
//              r * x_row + c * step + 4 g of x
//   x          u7[rows][x_row bytes], readable to (columns - 1) * step + groups * 4 + 12 bytes a row
//   rows, columns, groups  >= 0
//   step       bytes from column to column
//   x_row, y_stride  bytes from row to row of x and from group to group of y
export function u7_rows_words(
  y: usize,
  x: usize,
  rows: i32,
  columns: i32,
  groups: i32,
  step: i32,
  x_row: i32,
  y_stride: i32,
): void {
  // Where the bytes of four words lie in 16, if they do.
  const lanes = i8x16.add(
    i8x16(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3),
    i32x4.mul(i32x4(0, 0x01010101, 0x02020202, 0x03030303), i32x4.splat(step)),
  );
  const whole: usize = step <= 4 ? <usize>(columns & ~3) << 2 : 0;
  for (let row = 0; row < rows; ++row) {
    let to = y;
    for (let group = 0; group < groups; ++group) {
      let from = x + (<usize>group << 2);
      let column: usize = 0;
      for (; column < whole; column += 16) {
        v128.store(to + column, i8x16.swizzle(v128.load(from), lanes));
        from += step << 2;
      }
      for (const end = <usize>columns << 2; column < end; column += 4) {
        store<u32>(to + column, load<u32>(from));
        from += step;
      }
      to += y_stride;
    }
    x += x_row;
    y += <usize>columns << 2;
  }
}

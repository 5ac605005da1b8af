import { copy_words, fill_words } from "./words";

// f32_frame: rows of n numbers with a frame of one number around them.
//
//   y          f32[top + rows + bottom][left + n + right]
//   x          f32[rows][n]
//   rows, n    >= 0
//   top, bottom, left, right  >= 0: rows above and below; numbers before and after each row
//
// Copies bits.
export function f32_frame(
  y: usize,
  x: usize,
  rows: i32,
  n: i32,
  top: i32,
  bottom: i32,
  left: i32,
  right: i32,
  value: f32,
): void {
  const width = left + n + right;
  y = fill_words(y, top * width, value);
  for (let row = 0; row < rows; ++row) {
    y = fill_words(y, left, value);
    copy_words(y, x, n);
    y = fill_words(y + (<usize>n << 2), right, value);
    x += <usize>n << 2;
  }
  fill_words(y, bottom * width, value);
}

import { copy_words } from "./words";

// f32_copy_rows: rows of n words out of wider rows into wider rows.
//
//   y          f32[rows] rows of n words, y_row words apart
//   x          f32[rows] rows of n words, x_row words apart; does not overlap y
//   rows, n    >= 0
//
// Copies bits.
export function f32_copy_rows(y: usize, x: usize, rows: i32, n: i32, y_row: i32, x_row: i32): void {
  for (let row = 0; row < rows; ++row) {
    // Channels of pictures are few, and a call would take longer than they do.
    if (n < 8) for (let i: usize = 0, end = <usize>n << 2; i < end; i += 4) store<i32>(y + i, load<i32>(x + i));
    else copy_words(y, x, n);
    y += <usize>y_row << 2;
    x += <usize>x_row << 2;
  }
}

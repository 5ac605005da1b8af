import { copy_words, fill_words } from "./words";

// f32_gather: runs of words chosen by a list, the same list for every row.
//
//   y          f32[rows][n][run]
//   x          f32[rows][x_row]
//   index      i32[n]: where in the row of x a run begins, or -1 for a run of `value`
//   rows, n    >= 0
//   run        > 0
//
// Copies bits. Transposing, slicing, padding, repeating are lists.
export function f32_gather(
  y: usize,
  x: usize,
  index: usize,
  rows: i32,
  n: i32,
  run: i32,
  x_row: i32,
  value: f32,
): void {
  const bytes = <usize>run << 2;
  for (let row = 0; row < rows; ++row) {
    for (let i = 0; i < n; ++i) {
      const from = load<i32>(index + (<usize>i << 2));
      if (from < 0) fill_words(y, run, value);
      else if (run == 1) store<i32>(y, load<i32>(x + (<usize>from << 2)));
      else copy_words(y, x + (<usize>from << 2), run);
      y += bytes;
    }
    x += <usize>x_row << 2;
  }
}

import { copy_words, fill_words } from "./words";

// f32_embedding: rows of a table chosen by numbers.
//
//   y          f32[m][n]
//   x          f32[m], row numbers, truncated; a row that there is not (NaN too) gives zeros
//   table      f32[rows][n], or s8[rows][n] where there is a scale
//   scale      f32[n], or 0
//   m, n, rows >= 0
//
// code * scale, rounded once: same bits in every binary.
export function f32_embedding(y: usize, x: usize, table: usize, scale: usize, m: i32, n: i32, rows: i32): void {
  for (let i = 0; i < m; ++i) {
    const number = load<f32>(x);
    const row = number > -1 && number < <f32>rows ? <i32>number : -1;
    if (row < 0) fill_words(y, n, 0);
    else if (scale) {
      for (let j = 0; j < n; ++j) {
        const code = load<i8>(table + <usize>(row * n + j));
        store<f32>(y + (<usize>j << 2), <f32>code * load<f32>(scale + (<usize>j << 2)));
      }
    } else copy_words(y, table + (<usize>(row * n) << 2), n);
    x += 4;
    y += <usize>n << 2;
  }
}

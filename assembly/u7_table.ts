import { table16 } from "./simd";

// u7_table: y[i] = table[x[i]], any unary activation of u7 codes.
//
//   y          u7[n], written to whole groups of 16; may be x
//   x          u7[n], every code in [0, 127]; readable to whole groups of 16
//   table      u7[128]
//   n          >= 0
export function u7_table(y: usize, x: usize, table: usize, n: i32): void {
  for (let i = 0; i < n; i += 16) v128.store(y + i, table16(table, v128.load(x + i)));
}

import { table16 } from "./simd";

// u7_table: y[i] = table[x[i]], any unary activation of u7 codes.
//
//   y          u7[n], may be x
//   x          u7[n], every code in [0, 127]
//   table      u7[128]
//   n          >= 0
export function u7_table(y: usize, x: usize, table: usize, n: i32): void {
  let i = 0;
  for (; i + 16 <= n; i += 16) v128.store(y + i, table16(table, v128.load(x + i)));
  for (; i < n; ++i) store<u8>(y + i, load<u8>(table + load<u8>(x + i)));
}

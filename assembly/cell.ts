import { f32_matmul } from "./f32_matmul";
import { f32_unary } from "./f32_unary";

// What the recurrent cells share.

// y = fn(x) of n numbers, with the numbers a function has where none are said: relu has no bound, elu 1.
export function activate(y: usize, x: usize, n: i32, fn: i32): void {
  f32_unary(y, x, n, fn, fn == 1 ? Infinity : 1);
}

// y = h U + b for one row.
// @ts-ignore: decorator
@inline
export function multiply(y: usize, h: usize, u: usize, b: usize, units: i32, n: i32): void {
  f32_matmul(y, h, u, b, 1, units, n);
}

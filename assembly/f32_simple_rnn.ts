import { activate, multiply } from "./cell";
import { fill_words } from "./words";

// f32_simple_rnn: all steps of h = fn(x W + b + h U), of one sample, from h = 0 or a state that is given.
//
//   y          f32[units], or f32[steps][units] with y_step
//   xw         f32[steps][units]: x W + b
//   u          f32[units][units]
//   from       f32[units]: h to begin with, or 0 for zeros; may be scratch
//   scratch    f32[2 * units]
//   steps      >= 0
//   units      > 0
//   xw_step    words from one step to the next, negative to go backwards
//   y_step     words from one result to the next; 0 keeps the last
//   fn         number of the function, as in f32_unary
//
// h U is added to x W + b in order of h, as in f32_matmul. Same bits in every binary.
export function f32_simple_rnn(
  y: usize,
  xw: usize,
  u: usize,
  from: usize,
  scratch: usize,
  steps: i32,
  units: i32,
  xw_step: i32,
  y_step: i32,
  fn: i32,
): void {
  const sums = scratch + (<usize>units << 2);
  let h = scratch;
  if (from) memory.copy(h, from, units << 2);
  else fill_words(h, units, 0);
  for (let step = 0; step < steps; ++step) {
    multiply(sums, h, u, xw, units, units);
    activate(y, sums, units, fn);
    h = y;
    xw += xw_step << 2;
    y += y_step << 2;
  }
}

import { activate, multiply } from "./cell";
import { fill_words } from "./words";

// f32_lstm: all steps of a cell, of one sample, from h = c = 0 or a state that is given. Gates i, f, c, o of
// g = x W + b + h U; c = f c + i fn(g_c), h = o fn(c).
//
//   y          f32[units], or f32[steps][units] with y_step
//   xw         f32[steps][4 * units]: x W + b
//   u          f32[units][4 * units]
//   from       f32[2 * units]: h and c to begin with, or 0 for zeros; may be scratch
//   scratch    f32[6 * units]; the second units are c in the end
//   steps      >= 0
//   units      > 0
//   xw_step    words from one step to the next, negative to go backwards
//   y_step     words from one result to the next; 0 keeps the last
//   fn, gate   numbers of the functions, as in f32_unary
//
// h U is added to x W + b in order of h, as in f32_matmul; each operation rounded. Same bits in every
// binary.
export function f32_lstm(
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
  gate: i32,
): void {
  const row = <usize>units << 2;
  const c = scratch + row;
  const i = c + row;
  const f = i + row;
  const g = f + row;
  const o = g + row;
  let h = scratch;
  if (from) memory.copy(h, from, row << 1);
  else fill_words(h, units * 2, 0);
  for (let step = 0; step < steps; ++step) {
    multiply(i, h, u, xw, units, units * 4);
    activate(i, i, units * 2, gate);
    activate(g, g, units, fn);
    activate(o, o, units, gate);
    for (let at: usize = 0; at < row; at += 4) {
      store<f32>(c + at, load<f32>(f + at) * load<f32>(c + at) + load<f32>(i + at) * load<f32>(g + at));
    }
    activate(g, c, units, fn);
    for (let at: usize = 0; at < row; at += 4) store<f32>(y + at, load<f32>(o + at) * load<f32>(g + at));
    h = y;
    xw += xw_step << 2;
    y += y_step << 2;
  }
}

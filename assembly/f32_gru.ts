import { activate, multiply } from "./cell";
import { fill_words } from "./words";

// f32_gru: all steps of a cell, of one sample, from h = 0 or a state that is given. Gates z, r, h of x W + b:
//   before: z, r = gate(x W + b + h U), n = fn(x W + b + (r h) U_h)
//   after:  z, r = gate(x W + b + (h U + after)), n = fn(x W + b + r (h U + after))
//   h = z h + (1 - z) n
//
//   y          f32[units], or f32[steps][units] with y_step
//   xw         f32[steps][3 * units]: x W + b
//   u          f32[units][2 * units] of z, r, then f32[units][units] of h; with `after` f32[units][3 * units]
//   after      f32[3 * units], the bias of h U, or 0 for the reset before the product
//   from       f32[units]: h to begin with, or 0 for zeros; may be scratch
//   scratch    f32[4 * units]
//   steps      >= 0
//   units      > 0
//   xw_step    words from one step to the next, negative to go backwards
//   y_step     words from one result to the next; 0 keeps the last
//   fn, gate   numbers of the functions, as in f32_unary
//
// Products are added to what stands beside them in order of h, as in f32_matmul; each operation rounded.
// Same bits in every binary.
export function f32_gru(
  y: usize,
  xw: usize,
  u: usize,
  after: usize,
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
  const z = scratch + row;
  const r = z + row;
  const n = r + row;
  let h = scratch;
  if (from) memory.copy(h, from, units << 2);
  else fill_words(h, units, 0);
  for (let step = 0; step < steps; ++step) {
    const xn = xw + (row << 1);
    if (after) {
      multiply(z, h, u, after, units, units * 3);
      for (let at: usize = 0; at < row << 1; at += 4) store<f32>(z + at, load<f32>(xw + at) + load<f32>(z + at));
      activate(z, z, units * 2, gate);
      for (let at: usize = 0; at < row; at += 4) {
        store<f32>(n + at, load<f32>(xn + at) + load<f32>(r + at) * load<f32>(n + at));
      }
    } else {
      multiply(z, h, u, xw, units, units * 2);
      activate(z, z, units * 2, gate);
      for (let at: usize = 0; at < row; at += 4) store<f32>(r + at, load<f32>(r + at) * load<f32>(h + at));
      multiply(n, r, u + row * (<usize>units << 1), xn, units, units);
    }
    activate(n, n, units, fn);
    for (let at: usize = 0; at < row; at += 4) {
      const keep = load<f32>(z + at);
      store<f32>(y + at, keep * load<f32>(h + at) + (1 - keep) * load<f32>(n + at));
    }
    h = y;
    xw += xw_step << 2;
    y += y_step << 2;
  }
}

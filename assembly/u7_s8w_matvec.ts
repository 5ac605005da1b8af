import { dot4_add, dot8_add, dot_ones, PAIRED, s8_even, s8_odd, u7_even, u7_odd } from "./simd";

// u7_s8w_matvec: y = W x + bias, dense, i32 sums.
//
//   y          i32[n16 * 16], 16-byte aligned
//   x          u7[k4 * 4]
//   w          s8[n16][k4][16 outputs][4 inputs]
//   cols       u16[n16][k4], the group of 4 inputs that a block reads, each once for 16 outputs
//   pairs      i32[n16], the end of those blocks of 16 outputs that dot8_add may take two at a time, counted from
//              the first of all
//   bias       i32[n16 * 16]
//   n16, k4    groups of 16 outputs and of 4 inputs, >= 0
//
// Exact while k <= 133144.
export function u7_s8w_matvec(y: usize, x: usize, w: usize, cols: usize, pairs: usize, bias: usize, n16: i32, k4: i32): void {
  const ones = dot_ones(v128.load(bias));
  let at = cols;
  let end = cols;
  for (const last = pairs + (<usize>n16 << 2); pairs < last; pairs += 4) {
    end += <usize>k4 << 1;
    let a_i32x4 = v128.load(bias);
    let b_i32x4 = v128.load(bias, 16);
    let c_i32x4 = v128.load(bias, 32);
    let d_i32x4 = v128.load(bias, 48);
    if (PAIRED) {
      const paired = cols + (<usize>load<i32>(pairs) << 1);
      while (at < paired) {
        const xa = x_at(x, at);
        const xe = x_at(x, at + 2);
        a_i32x4 = dot8_add(a_i32x4, v128.load(w), xa, v128.load(w, 64), xe, ones);
        b_i32x4 = dot8_add(b_i32x4, v128.load(w, 16), xa, v128.load(w, 80), xe, ones);
        c_i32x4 = dot8_add(c_i32x4, v128.load(w, 32), xa, v128.load(w, 96), xe, ones);
        d_i32x4 = dot8_add(d_i32x4, v128.load(w, 48), xa, v128.load(w, 112), xe, ones);
        w += 128;
        at += 4;
      }
    } else {
      // Eight chains of sums hide the latency of the dot.
      let e_i32x4 = i32x4.splat(0);
      let f_i32x4 = i32x4.splat(0);
      let g_i32x4 = i32x4.splat(0);
      let h_i32x4 = i32x4.splat(0);
      while (at + 2 < end) {
        const xa = x_at(x, at);
        const xe = x_at(x, at + 2);
        a_i32x4 = step(a_i32x4, v128.load(w), xa, ones);
        b_i32x4 = step(b_i32x4, v128.load(w, 16), xa, ones);
        c_i32x4 = step(c_i32x4, v128.load(w, 32), xa, ones);
        d_i32x4 = step(d_i32x4, v128.load(w, 48), xa, ones);
        e_i32x4 = step(e_i32x4, v128.load(w, 64), xe, ones);
        f_i32x4 = step(f_i32x4, v128.load(w, 80), xe, ones);
        g_i32x4 = step(g_i32x4, v128.load(w, 96), xe, ones);
        h_i32x4 = step(h_i32x4, v128.load(w, 112), xe, ones);
        w += 128;
        at += 4;
      }
      a_i32x4 = i32x4.add(a_i32x4, e_i32x4);
      b_i32x4 = i32x4.add(b_i32x4, f_i32x4);
      c_i32x4 = i32x4.add(c_i32x4, g_i32x4);
      d_i32x4 = i32x4.add(d_i32x4, h_i32x4);
    }
    while (at < end) {
      const xa = x_at(x, at);
      a_i32x4 = step(a_i32x4, v128.load(w), xa, ones);
      b_i32x4 = step(b_i32x4, v128.load(w, 16), xa, ones);
      c_i32x4 = step(c_i32x4, v128.load(w, 32), xa, ones);
      d_i32x4 = step(d_i32x4, v128.load(w, 48), xa, ones);
      w += 64;
      at += 2;
    }
    v128.store(y, a_i32x4);
    v128.store(y, b_i32x4, 16);
    v128.store(y, c_i32x4, 32);
    v128.store(y, d_i32x4, 48);
    y += 64;
    bias += 64;
  }
}

// @ts-ignore: decorator
@inline
function x_at(x: usize, col: usize): v128 {
  return v128.load32_splat(x + (<usize>load<u16>(col) << 2));
}

// @ts-ignore: decorator
@inline
function step(acc_i32x4: v128, w: v128, x: v128, ones: v128): v128 {
  return dot4_add(acc_i32x4, s8_even(w), s8_odd(w), u7_even(x), u7_odd(x), ones);
}

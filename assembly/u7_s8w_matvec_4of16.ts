import { dot4_add, dot_ones, gather16, s8_even, s8_odd, u7_even, u7_odd } from "./simd";

// u7_s8w_matvec_4of16: y = W x + bias, at most 4 of every 16 inputs of an output kept, i32 sums.
//
//   y          i32[n4 * 4], 16-byte aligned
//   x          u7[k16 * 16]
//   w          s8[n4][k16][4 outputs][4 kept]
//   lanes      u8[n4][k16][4 outputs][4 kept], which of the 16 inputs each weight reads, in [0, 15]
//   bias       i32[n4 * 4]
//   n4, k16    groups of 4 outputs and of 16 inputs, >= 0
//
// Exact while k <= 133144.
export function u7_s8w_matvec_4of16(y: usize, x: usize, w: usize, lanes: usize, bias: usize, n4: i32, k16: i32): void {
  const ones = dot_ones(v128.load(bias));
  for (let group = 0; group < n4; ++group) {
    let a_i32x4 = v128.load(bias + (group << 4));
    let b_i32x4 = i32x4.splat(0);
    let k = 0;
    let xk = x;
    for (; k + 2 <= k16; k += 2) {
      const xa = gather16(v128.load(xk), v128.load(lanes));
      const xb = gather16(v128.load(xk, 16), v128.load(lanes, 16));
      const wa = v128.load(w);
      const wb = v128.load(w, 16);
      a_i32x4 = dot4_add(a_i32x4, s8_even(wa), s8_odd(wa), u7_even(xa), u7_odd(xa), ones);
      b_i32x4 = dot4_add(b_i32x4, s8_even(wb), s8_odd(wb), u7_even(xb), u7_odd(xb), ones);
      xk += 32;
      w += 32;
      lanes += 32;
    }
    if (k < k16) {
      const xa = gather16(v128.load(xk), v128.load(lanes));
      const wa = v128.load(w);
      a_i32x4 = dot4_add(a_i32x4, s8_even(wa), s8_odd(wa), u7_even(xa), u7_odd(xa), ones);
      w += 16;
      lanes += 16;
    }
    v128.store(y + (group << 4), i32x4.add(a_i32x4, b_i32x4));
  }
}

import { dot4_add, dot_ones, s8_even, s8_odd, u7_even, u7_odd } from "./simd";

// u7_s8w_matvec: y = W x + bias, dense, i32 sums.
//
//   y          i32[n4 * 4], 16-byte aligned
//   x          u7[k4 * 4]
//   w          s8[n4][k4][4 outputs][4 inputs]
//   bias       i32[n4 * 4]
//   n4, k4     groups of 4 outputs and of 4 inputs, >= 0
//
// Exact while k <= 133144.
export function u7_s8w_matvec(y: usize, x: usize, w: usize, bias: usize, n4: i32, k4: i32): void {
  const row: usize = <usize>k4 << 4;
  const ones = dot_ones(v128.load(bias));
  let group = 0;
  // Two groups share each splat of x; four k-steps a turn give eight chains of sums.
  for (; group + 2 <= n4; group += 2) {
    let a_i32x4 = v128.load(bias + (group << 4));
    let b_i32x4 = i32x4.splat(0);
    let c_i32x4 = i32x4.splat(0);
    let d_i32x4 = i32x4.splat(0);
    let e_i32x4 = v128.load(bias + (group << 4), 16);
    let f_i32x4 = i32x4.splat(0);
    let g_i32x4 = i32x4.splat(0);
    let h_i32x4 = i32x4.splat(0);
    let k = 0;
    let xk = x;
    let wk = w;
    let vk = w + row;
    for (; k + 4 <= k4; k += 4) {
      const xa = v128.load32_splat(xk);
      const xb = v128.load32_splat(xk, 4);
      const xc = v128.load32_splat(xk, 8);
      const xd = v128.load32_splat(xk, 12);
      const wa = v128.load(wk);
      const wb = v128.load(wk, 16);
      const wc = v128.load(wk, 32);
      const wd = v128.load(wk, 48);
      const va = v128.load(vk);
      const vb = v128.load(vk, 16);
      const vc = v128.load(vk, 32);
      const vd = v128.load(vk, 48);
      a_i32x4 = dot4_add(a_i32x4, s8_even(wa), s8_odd(wa), u7_even(xa), u7_odd(xa), ones);
      b_i32x4 = dot4_add(b_i32x4, s8_even(wb), s8_odd(wb), u7_even(xb), u7_odd(xb), ones);
      c_i32x4 = dot4_add(c_i32x4, s8_even(wc), s8_odd(wc), u7_even(xc), u7_odd(xc), ones);
      d_i32x4 = dot4_add(d_i32x4, s8_even(wd), s8_odd(wd), u7_even(xd), u7_odd(xd), ones);
      e_i32x4 = dot4_add(e_i32x4, s8_even(va), s8_odd(va), u7_even(xa), u7_odd(xa), ones);
      f_i32x4 = dot4_add(f_i32x4, s8_even(vb), s8_odd(vb), u7_even(xb), u7_odd(xb), ones);
      g_i32x4 = dot4_add(g_i32x4, s8_even(vc), s8_odd(vc), u7_even(xc), u7_odd(xc), ones);
      h_i32x4 = dot4_add(h_i32x4, s8_even(vd), s8_odd(vd), u7_even(xd), u7_odd(xd), ones);
      xk += 16;
      wk += 64;
      vk += 64;
    }
    for (; k < k4; ++k) {
      const xa = v128.load32_splat(xk);
      const wa = v128.load(wk);
      const va = v128.load(vk);
      a_i32x4 = dot4_add(a_i32x4, s8_even(wa), s8_odd(wa), u7_even(xa), u7_odd(xa), ones);
      e_i32x4 = dot4_add(e_i32x4, s8_even(va), s8_odd(va), u7_even(xa), u7_odd(xa), ones);
      xk += 4;
      wk += 16;
      vk += 16;
    }
    v128.store(y + (group << 4), i32x4.add(i32x4.add(a_i32x4, b_i32x4), i32x4.add(c_i32x4, d_i32x4)));
    v128.store(y + (group << 4), i32x4.add(i32x4.add(e_i32x4, f_i32x4), i32x4.add(g_i32x4, h_i32x4)), 16);
    w = vk;
  }
  if (group < n4) {
    let a_i32x4 = v128.load(bias + (group << 4));
    for (let k = 0; k < k4; ++k) {
      const xa = v128.load32_splat(x + (k << 2));
      const wa = v128.load(w + (<usize>k << 4));
      a_i32x4 = dot4_add(a_i32x4, s8_even(wa), s8_odd(wa), u7_even(xa), u7_odd(xa), ones);
    }
    v128.store(y + (group << 4), a_i32x4);
  }
}

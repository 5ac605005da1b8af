import { dot4_add, dot_ones, s8_even, s8_odd, u7_even, u7_odd } from "./simd";

// u7_s8w_matvec_4x4: y = W x + bias, W kept as 4 x 4 blocks (4 outputs x 4 inputs), i32 sums.
//
//   y          i32[n4 * 4], 16-byte aligned
//   x          u7[k4 * 4]
//   w          s8[blocks][4 outputs][4 inputs], row groups one after the other
//   cols       u16[blocks], the group of 4 inputs that a block reads; 0, 1, 2 .. for a dense W
//   starts     i32[n4 + 1], the first block of each group of 4 outputs
//   bias       i32[n4 * 4]
//   n4         groups of 4 outputs, >= 0
//
// Exact while k <= 133144.
export function u7_s8w_matvec_4x4(y: usize, x: usize, w: usize, cols: usize, starts: usize, bias: usize, n4: i32): void {
  const ones = dot_ones(v128.load(bias));
  for (let group = 0; group < n4; ++group) {
    let block = load<i32>(starts + (group << 2));
    const end = load<i32>(starts + (group << 2), 4);
    let a_i32x4 = v128.load(bias + (group << 4));
    let b_i32x4 = i32x4.splat(0);
    let c_i32x4 = i32x4.splat(0);
    let d_i32x4 = i32x4.splat(0);
    // Four chains of sums hide the latency of the dot.
    for (; block + 4 <= end; block += 4) {
      const values = w + (<usize>block << 4);
      const col = cols + (<usize>block << 1);
      const wa = v128.load(values);
      const wb = v128.load(values, 16);
      const wc = v128.load(values, 32);
      const wd = v128.load(values, 48);
      const xa = v128.load32_splat(x + (<usize>load<u16>(col) << 2));
      const xb = v128.load32_splat(x + (<usize>load<u16>(col, 2) << 2));
      const xc = v128.load32_splat(x + (<usize>load<u16>(col, 4) << 2));
      const xd = v128.load32_splat(x + (<usize>load<u16>(col, 6) << 2));
      a_i32x4 = dot4_add(a_i32x4, s8_even(wa), s8_odd(wa), u7_even(xa), u7_odd(xa), ones);
      b_i32x4 = dot4_add(b_i32x4, s8_even(wb), s8_odd(wb), u7_even(xb), u7_odd(xb), ones);
      c_i32x4 = dot4_add(c_i32x4, s8_even(wc), s8_odd(wc), u7_even(xc), u7_odd(xc), ones);
      d_i32x4 = dot4_add(d_i32x4, s8_even(wd), s8_odd(wd), u7_even(xd), u7_odd(xd), ones);
    }
    for (; block < end; ++block) {
      const wa = v128.load(w + (<usize>block << 4));
      const xa = v128.load32_splat(x + (<usize>load<u16>(cols + (<usize>block << 1)) << 2));
      a_i32x4 = dot4_add(a_i32x4, s8_even(wa), s8_odd(wa), u7_even(xa), u7_odd(xa), ones);
    }
    v128.store(y + (group << 4), i32x4.add(i32x4.add(a_i32x4, b_i32x4), i32x4.add(c_i32x4, d_i32x4)));
  }
}

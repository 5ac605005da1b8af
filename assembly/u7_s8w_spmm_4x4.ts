import { post_store_4x8 } from "./post";
import { dot4_add, s8_even, s8_odd, splat4, u7_even, u7_odd } from "./simd";

// u7_s8w_spmm_4x4: Y = post(W X + bias), W kept as blocks of 4 outputs x 4 inputs, X and Y in C4.
// A dense W is the one with every block: there the list of offsets costs nothing measurable.
//
//   y          u7[n4][y_stride bytes]: a plane holds 4 channels of each pixel, [pixel][4]
//   x          u7 planes; `offsets` says where
//   w          s8[blocks][4 outputs][4 inputs]
//   offsets    i32[blocks], bytes from x to the plane (and tap) that a block reads
//   starts     i32[n4 + 1], the first block of each group of 4 outputs
//   bias       i32[n4 * 4]
//   mult       f32[n4 * 4], s_x s_w / s_y
//   post       see post.ts
//   m8         groups of 8 pixels, >= 0; x must be readable and y writable up to m8 * 32 bytes
//   n4         groups of 4 outputs, >= 0
//   y_stride   bytes between planes of y, >= m8 * 32
//
// Exact while k <= 133144. Rounds half to even.
export function u7_s8w_spmm_4x4(
  y: usize,
  x: usize,
  w: usize,
  offsets: usize,
  starts: usize,
  bias: usize,
  mult: usize,
  post: usize,
  m8: i32,
  n4: i32,
  y_stride: i32,
): void {
  for (let tile = 0; tile < m8; ++tile) {
    let yt = y;
    let wt = w;
    let at = offsets;
    for (let group = 0; group < n4; ++group) {
      const bg = bias + (<usize>group << 4);
      let r0_lo = v128.load32_splat(bg);
      let r0_hi = r0_lo;
      let r1_lo = v128.load32_splat(bg, 4);
      let r1_hi = r1_lo;
      let r2_lo = v128.load32_splat(bg, 8);
      let r2_hi = r2_lo;
      let r3_lo = v128.load32_splat(bg, 12);
      let r3_hi = r3_lo;
      const first = load<i32>(starts + (<usize>group << 2));
      const last = load<i32>(starts + (<usize>group << 2), 4);
      const end = at + (<usize>(last - first) << 2);
      while (at < end) {
        const xt = x + load<i32>(at);
        const lo = v128.load(xt);
        const hi = v128.load(xt, 16);
        const lo_even = u7_even(lo);
        const lo_odd = u7_odd(lo);
        const hi_even = u7_even(hi);
        const hi_odd = u7_odd(hi);
        const w0 = splat4(wt);
        const w1 = splat4(wt + 4);
        const w2 = splat4(wt + 8);
        const w3 = splat4(wt + 12);
        r0_lo = dot4_add(r0_lo, s8_even(w0), s8_odd(w0), lo_even, lo_odd);
        r0_hi = dot4_add(r0_hi, s8_even(w0), s8_odd(w0), hi_even, hi_odd);
        r1_lo = dot4_add(r1_lo, s8_even(w1), s8_odd(w1), lo_even, lo_odd);
        r1_hi = dot4_add(r1_hi, s8_even(w1), s8_odd(w1), hi_even, hi_odd);
        r2_lo = dot4_add(r2_lo, s8_even(w2), s8_odd(w2), lo_even, lo_odd);
        r2_hi = dot4_add(r2_hi, s8_even(w2), s8_odd(w2), hi_even, hi_odd);
        r3_lo = dot4_add(r3_lo, s8_even(w3), s8_odd(w3), lo_even, lo_odd);
        r3_hi = dot4_add(r3_hi, s8_even(w3), s8_odd(w3), hi_even, hi_odd);
        wt += 16;
        at += 4;
      }
      post_store_4x8(yt, mult + (<usize>group << 4), post, r0_lo, r0_hi, r1_lo, r1_hi, r2_lo, r2_hi, r3_lo, r3_hi);
      yt += y_stride;
    }
    x += 32;
    y += 32;
  }
}

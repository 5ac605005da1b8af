import { post_code, post_narrow } from "./post";
import { dot4_add, dot_ones, gather16, s8_even, s8_odd, u7_even, u7_odd } from "./simd";

// u7_s8w_spmm_4of16: Y = post(X W' + bias), at most 4 of every 16 inputs of an output kept.
// Pixels are rows here (not C4): the 16 inputs of a group must lie in one vector to be gathered.
//
//   y          u7[m][y_stride bytes]
//   x          u7[m][x_stride bytes], readable to k16 * 16 bytes a row
//   w          s8[n4][k16][4 outputs][4 kept]
//   lanes      u8[n4][k16][4 outputs][4 kept], which of the 16 inputs each weight reads, in [0, 15]
//   bias       i32[n4 * 4]
//   mult       f32[n4 * 4], s_x s_w / s_y
//   post       see post.ts
//   m          pixels, a multiple of 4
//   n4, k16    groups of 4 outputs and of 16 inputs, >= 0
//   x_stride, y_stride  bytes from pixel to pixel, y_stride >= n4 * 4
//
// Exact while k <= 133144. Rounds half to even.
export function u7_s8w_spmm_4of16(
  y: usize,
  x: usize,
  w: usize,
  lanes: usize,
  bias: usize,
  mult: usize,
  post: usize,
  m: i32,
  n4: i32,
  k16: i32,
  x_stride: i32,
  y_stride: i32,
): void {
  const ones = dot_ones(v128.load(post));
  for (let pixel = 0; pixel < m; pixel += 4) {
    const x1 = x + x_stride;
    const x2 = x1 + x_stride;
    const x3 = x2 + x_stride;
    let wt = w;
    let lt = lanes;
    for (let group = 0; group < n4; ++group) {
      // lanes of a sum are the 4 outputs, one sum a pixel
      let s0 = v128.load(bias + (<usize>group << 4));
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      for (let k: usize = 0, end = <usize>k16 << 4; k < end; k += 16) {
        const w16 = v128.load(wt);
        const l16 = v128.load(lt);
        const even = s8_even(w16);
        const odd = s8_odd(w16);
        const g0 = gather16(v128.load(x + k), l16);
        const g1 = gather16(v128.load(x1 + k), l16);
        const g2 = gather16(v128.load(x2 + k), l16);
        const g3 = gather16(v128.load(x3 + k), l16);
        s0 = dot4_add(s0, even, odd, u7_even(g0), u7_odd(g0), ones);
        s1 = dot4_add(s1, even, odd, u7_even(g1), u7_odd(g1), ones);
        s2 = dot4_add(s2, even, odd, u7_even(g2), u7_odd(g2), ones);
        s3 = dot4_add(s3, even, odd, u7_even(g3), u7_odd(g3), ones);
        wt += 16;
        lt += 16;
      }
      const m4 = v128.load(mult + (<usize>group << 4));
      const q = post_narrow(post_code(s0, m4, post), post_code(s1, m4, post), post_code(s2, m4, post), post_code(s3, m4, post), post);
      const yt = y + (<usize>group << 2);
      v128.store32_lane(yt, q, 0);
      v128.store32_lane(yt + y_stride, q, 1);
      v128.store32_lane(yt + (y_stride << 1), q, 2);
      v128.store32_lane(yt + y_stride * 3, q, 3);
    }
    x += x_stride << 2;
    y += y_stride << 2;
  }
}

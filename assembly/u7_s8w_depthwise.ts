import { post_code, post_narrow } from "./post";
import { dot4_add, dot_ones, s8_even, s8_odd, u7_even, u7_odd } from "./simd";

// u7_s8w_depthwise: each channel filtered with a kernel of its own, taps in fours, X and Y in C4.
//
//   y          u7[c4][y_stride bytes], [pixel][4 channels]
//   x          u7[c4][x_stride bytes]; `offsets` and `tiles` say where
//   w          s8[c4][steps][4 channels][4 taps], zeros for taps that are none
//   offsets    i32[steps][4 taps], bytes from a tile of x to the pixels under a tap
//   bias       i32[c4 * 4]
//   mult       f32[c4 * 4], s_x s_w / s_y
//   post       see post.ts
//   tiles      i32[m4][2], of each 4 pixels the bytes from x and those from y; tiles may overlap
//   m4         tiles, >= 0; each is read and written to 16 bytes
//   c4, steps  groups of 4 channels, of 4 taps, >= 0
//   x_stride, y_stride  bytes between planes
//
// Exact while taps <= 133144. Rounds half to even.
export function u7_s8w_depthwise(
  y: usize,
  x: usize,
  w: usize,
  offsets: usize,
  bias: usize,
  mult: usize,
  post: usize,
  tiles: usize,
  m4: i32,
  c4: i32,
  steps: i32,
  x_stride: i32,
  y_stride: i32,
): void {
  const ones = dot_ones(v128.load(post));
  const last = tiles + (<usize>m4 << 3);
  for (let plane = 0; plane < c4; ++plane) {
    const bias_i32x4 = v128.load(bias);
    const mult_f32x4 = v128.load(mult);
    for (let tile = tiles; tile < last; tile += 8) {
      const xt = x + load<i32>(tile);
      let p0 = bias_i32x4;
      let p1 = bias_i32x4;
      let p2 = bias_i32x4;
      let p3 = bias_i32x4;
      let at = offsets;
      for (let wt = w, end = w + (<usize>steps << 4); wt < end; wt += 16) {
        // 4 taps of 4 pixels, bytes [pixel][channel], to one vector a pixel, [channel][tap]
        const a = v128.load(xt + load<i32>(at));
        const b = v128.load(xt + load<i32>(at, 4));
        const c = v128.load(xt + load<i32>(at, 8));
        const d = v128.load(xt + load<i32>(at, 12));
        const ab_lo = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const ab_hi = i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        const cd_lo = i8x16.shuffle(c, d, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const cd_hi = i8x16.shuffle(c, d, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        const q0 = i16x8.shuffle(ab_lo, cd_lo, 0, 8, 1, 9, 2, 10, 3, 11);
        const q1 = i16x8.shuffle(ab_lo, cd_lo, 4, 12, 5, 13, 6, 14, 7, 15);
        const q2 = i16x8.shuffle(ab_hi, cd_hi, 0, 8, 1, 9, 2, 10, 3, 11);
        const q3 = i16x8.shuffle(ab_hi, cd_hi, 4, 12, 5, 13, 6, 14, 7, 15);
        const w16 = v128.load(wt);
        const even = s8_even(w16);
        const odd = s8_odd(w16);
        p0 = dot4_add(p0, even, odd, u7_even(q0), u7_odd(q0), ones);
        p1 = dot4_add(p1, even, odd, u7_even(q1), u7_odd(q1), ones);
        p2 = dot4_add(p2, even, odd, u7_even(q2), u7_odd(q2), ones);
        p3 = dot4_add(p3, even, odd, u7_even(q3), u7_odd(q3), ones);
        at += 16;
      }
      v128.store(
        y + load<i32>(tile, 4),
        post_narrow(
          post_code(p0, mult_f32x4, post),
          post_code(p1, mult_f32x4, post),
          post_code(p2, mult_f32x4, post),
          post_code(p3, mult_f32x4, post),
          post,
        ),
      );
    }
    x += x_stride;
    y += y_stride;
    w += <usize>steps << 4;
    bias += 16;
    mult += 16;
  }
}

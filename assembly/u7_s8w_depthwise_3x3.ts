import { post_code, post_narrow } from "./post";
import { dot4_add, dot_ones, s8_even, s8_odd, u7_even, u7_odd } from "./simd";

// u7_s8w_depthwise_3x3: Y = post(W * X + bias), one kernel of 3 x 3 a channel, stride 1, X and Y in C4.
// Two rows of results at a time: 4 rows of x beside each other in a vector serve both, and as columns slide
// past, each is laid out once.
//
//   y          u7[c4][y_stride bytes]
//   x          u7[c4][x_stride bytes]; `tiles` says where
//   w          s8[c4][2 rows of results][3 columns][4 channels][4 rows]: the weight of each row of x for the
//              first and for the second row of results, 0 for the row that is not its own
//   bias       i32[c4 * 4]
//   mult       f32[c4 * 4], s_x s_w / s_y
//   post       see post.ts
//   tiles      i32[m4][2], of each 4 pixels of the first row the bytes from x and those from y; tiles may overlap
//   m4         tiles, >= 0; each is written to 16 bytes of both rows, and read to 32 of four
//   c4         groups of 4 channels, >= 0
//   x_pitch, y_pitch    bytes from row to row
//   x_stride, y_stride  bytes between planes
//
// Exact. Rounds half to even.
export function u7_s8w_depthwise_3x3(
  y: usize,
  x: usize,
  w: usize,
  bias: usize,
  mult: usize,
  post: usize,
  tiles: usize,
  m4: i32,
  c4: i32,
  x_pitch: i32,
  y_pitch: i32,
  x_stride: i32,
  y_stride: i32,
): void {
  const ones = dot_ones(v128.load(post));
  const last = tiles + (<usize>m4 << 3);
  for (let plane = 0; plane < c4; ++plane) {
    for (let tile = tiles; tile < last; tile += 8) {
      const at = x + load<i32>(tile);
      const a = v128.load(at);
      const b = v128.load(at + x_pitch);
      const c = v128.load(at + (x_pitch << 1));
      const d = v128.load(at + x_pitch * 3);
      // rows of [pixel][channel] to a vector a pixel, [channel][row]
      const ab_lo = i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const ab_hi = i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const cd_lo = i8x16.shuffle(c, d, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const cd_hi = i8x16.shuffle(c, d, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      const q0 = i16x8.shuffle(ab_lo, cd_lo, 0, 8, 1, 9, 2, 10, 3, 11);
      const q1 = i16x8.shuffle(ab_lo, cd_lo, 4, 12, 5, 13, 6, 14, 7, 15);
      const q2 = i16x8.shuffle(ab_hi, cd_hi, 0, 8, 1, 9, 2, 10, 3, 11);
      const q3 = i16x8.shuffle(ab_hi, cd_hi, 4, 12, 5, 13, 6, 14, 7, 15);
      // the two pixels behind them
      const e = v128.load64_zero(at, 16);
      const f = v128.load64_zero(at + x_pitch, 16);
      const g = v128.load64_zero(at + (x_pitch << 1), 16);
      const h = v128.load64_zero(at + x_pitch * 3, 16);
      const ef = i8x16.shuffle(e, f, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const gh = i8x16.shuffle(g, h, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const q4 = i16x8.shuffle(ef, gh, 0, 8, 1, 9, 2, 10, 3, 11);
      const q5 = i16x8.shuffle(ef, gh, 4, 12, 5, 13, 6, 14, 7, 15);
      let yt = y + load<i32>(tile, 4);
      for (let row: usize = 0; row < 96; row += 48) {
        store_row(yt, w + row, q0, q1, q2, q3, q4, q5, bias, mult, post, ones);
        yt += y_pitch;
      }
    }
    x += x_stride;
    y += y_stride;
    w += 96;
    bias += 16;
    mult += 16;
  }
}

// 4 pixels of one row from 6 columns.
// @ts-ignore: decorator
@inline
function store_row(
  y: usize,
  w: usize,
  q0: v128,
  q1: v128,
  q2: v128,
  q3: v128,
  q4: v128,
  q5: v128,
  bias: usize,
  mult: usize,
  post: usize,
  ones: v128,
): void {
  const w0 = v128.load(w);
  const w1 = v128.load(w, 16);
  const w2 = v128.load(w, 32);
  const mult_f32x4 = v128.load(mult);
  v128.store(
    y,
    post_narrow(
      post_code(dot12(v128.load(bias), w0, w1, w2, q0, q1, q2, ones), mult_f32x4, post),
      post_code(dot12(v128.load(bias), w0, w1, w2, q1, q2, q3, ones), mult_f32x4, post),
      post_code(dot12(v128.load(bias), w0, w1, w2, q2, q3, q4, ones), mult_f32x4, post),
      post_code(dot12(v128.load(bias), w0, w1, w2, q3, q4, q5, ones), mult_f32x4, post),
      post,
    ),
  );
}

// @ts-ignore: decorator
@inline
function dot12(acc: v128, w0: v128, w1: v128, w2: v128, x0: v128, x1: v128, x2: v128, ones: v128): v128 {
  acc = dot4_add(acc, s8_even(w0), s8_odd(w0), u7_even(x0), u7_odd(x0), ones);
  acc = dot4_add(acc, s8_even(w1), s8_odd(w1), u7_even(x1), u7_odd(x1), ones);
  return dot4_add(acc, s8_even(w2), s8_odd(w2), u7_even(x2), u7_odd(x2), ones);
}

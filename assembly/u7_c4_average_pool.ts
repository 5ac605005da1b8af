import { post_code, post_narrow } from "./post";
import { pixels4 } from "./simd";

// u7_c4_average_pool: the sum of the codes under a window, requantized, X and Y in C4. Every window lies
// within the input, so that the number of taps is one for all.
//
//   y          u7[c4][y_stride bytes]
//   x          u7[c4][x_stride bytes]; `offsets` and `tiles` say where
//   offsets    i32[taps], bytes from a tile of x to the pixels under a tap
//   post       see post.ts
//   tiles      i32[m4][2], of each 4 pixels the bytes from x and those from y; tiles may overlap
//   m4         tiles, >= 0; each is read to 4 step bytes and written to 16
//   c4, taps   groups of 4 channels, >= 0; 1 <= taps <= 516, so that a sum fits 16 bits
//   x_stride, y_stride  bytes between planes
//   step       bytes of x between pixels of a tile, 4 or 8
//   offset     i32, -taps * zero point of x
//   mult       f32, s_x / (s_y taps)
//
// Exact. Rounds half to even.
export function u7_c4_average_pool(
  y: usize,
  x: usize,
  offsets: usize,
  post: usize,
  tiles: usize,
  m4: i32,
  c4: i32,
  taps: i32,
  x_stride: i32,
  y_stride: i32,
  step: i32,
  offset: i32,
  mult: f32,
): void {
  const last = tiles + (<usize>m4 << 3);
  const end = offsets + (<usize>taps << 2);
  const offset_i32x4 = i32x4.splat(offset);
  const mult_f32x4 = f32x4.splat(mult);
  for (let plane = 0; plane < c4; ++plane) {
    for (let tile = tiles; tile < last; tile += 8) {
      const xt = x + load<i32>(tile);
      let lo_u16x8 = i16x8.splat(0);
      let hi_u16x8 = i16x8.splat(0);
      for (let at = offsets; at < end; at += 4) {
        const x_u8x16 = pixels4(xt + load<i32>(at), step);
        lo_u16x8 = i16x8.add(lo_u16x8, i16x8.extend_low_i8x16_u(x_u8x16));
        hi_u16x8 = i16x8.add(hi_u16x8, i16x8.extend_high_i8x16_u(x_u8x16));
      }
      v128.store(
        y + load<i32>(tile, 4),
        post_narrow(
          post_code(i32x4.add(i32x4.extend_low_i16x8_u(lo_u16x8), offset_i32x4), mult_f32x4, post),
          post_code(i32x4.add(i32x4.extend_high_i16x8_u(lo_u16x8), offset_i32x4), mult_f32x4, post),
          post_code(i32x4.add(i32x4.extend_low_i16x8_u(hi_u16x8), offset_i32x4), mult_f32x4, post),
          post_code(i32x4.add(i32x4.extend_high_i16x8_u(hi_u16x8), offset_i32x4), mult_f32x4, post),
          post,
        ),
      );
    }
    x += x_stride;
    y += y_stride;
  }
}

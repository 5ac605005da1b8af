import { post_code, post_narrow } from "./post";

// u7_add: y = post(a * m_a + b * m_b + offset), the weighted sum of two u7 tensors.
//
//   y, a, b    u7[n], readable and writable up to a multiple of 16; y may be a or b
//   post       see post.ts
//   n          >= 0
//   m_a, m_b   i16 multipliers, |m| < 2^15
//   offset     i32, -(zero_a m_a + zero_b m_b)
//   mult       f32, real value of one step of the sum over s_y
//
// Exact. Rounds half to even.
export function u7_add(y: usize, a: usize, b: usize, post: usize, n: i32, m_a: i32, m_b: i32, offset: i32, mult: f32): void {
  const m_i16x8 = i32x4.splat((m_a & 0xffff) | (m_b << 16));
  const offset_i32x4 = i32x4.splat(offset);
  const mult_f32x4 = f32x4.splat(mult);
  for (let i = 0; i < n; i += 16) {
    const a_u8x16 = v128.load(a + i);
    const b_u8x16 = v128.load(b + i);
    const lo_u8x16 = i8x16.shuffle(a_u8x16, b_u8x16, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const hi_u8x16 = i8x16.shuffle(a_u8x16, b_u8x16, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    v128.store(
      y + i,
      post_narrow(
        post_code(sum4(i16x8.extend_low_i8x16_u(lo_u8x16), m_i16x8, offset_i32x4), mult_f32x4, post),
        post_code(sum4(i16x8.extend_high_i8x16_u(lo_u8x16), m_i16x8, offset_i32x4), mult_f32x4, post),
        post_code(sum4(i16x8.extend_low_i8x16_u(hi_u8x16), m_i16x8, offset_i32x4), mult_f32x4, post),
        post_code(sum4(i16x8.extend_high_i8x16_u(hi_u8x16), m_i16x8, offset_i32x4), mult_f32x4, post),
        post,
      ),
    );
  }
}

// @ts-ignore: decorator
@inline
function sum4(ab_i16x8: v128, m_i16x8: v128, offset_i32x4: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(ab_i16x8, m_i16x8), offset_i32x4);
}

// u7_c4_sum: the sum of each channel over all pixels.
//
//   y          i32[c4 * 4], 16-byte aligned
//   x          u7[c4][x_stride bytes], [pixel][4 channels]
//   pixels     >= 0, < 2^24
//   c4         groups of 4 channels, >= 0
//   x_stride   bytes between planes
//   offset     i32, added to each sum
//
// Exact.
export function u7_c4_sum(y: usize, x: usize, pixels: i32, c4: i32, x_stride: i32, offset: i32): void {
  for (let plane = 0; plane < c4; ++plane) {
    let sum_i32x4 = i32x4.splat(offset);
    let pixel = 0;
    let at = x;
    for (; pixel + 4 <= pixels; pixel += 4) {
      const x_u8x16 = v128.load(at);
      // four codes of a channel: 2 + 2, then both
      const two_u16x8 = i16x8.add(i16x8.extend_low_i8x16_u(x_u8x16), i16x8.extend_high_i8x16_u(x_u8x16));
      sum_i32x4 = i32x4.add(sum_i32x4, i32x4.extend_low_i16x8_u(two_u16x8));
      sum_i32x4 = i32x4.add(sum_i32x4, i32x4.extend_high_i16x8_u(two_u16x8));
      at += 16;
    }
    for (; pixel < pixels; ++pixel) {
      const one_u16x8 = i16x8.extend_low_i8x16_u(v128.load32_zero(at));
      sum_i32x4 = i32x4.add(sum_i32x4, i32x4.extend_low_i16x8_u(one_u16x8));
      at += 4;
    }
    v128.store(y, sum_i32x4);
    y += 16;
    x += x_stride;
  }
}

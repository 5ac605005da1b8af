import { post_high, post_low, post_shift } from "./post";
import { dot4_add, narrow16, requantize4, s8_even, s8_odd, splat4, table16, u7_even, u7_odd } from "./simd";

// u7_s8w_spmm_1x4: Y = post(W X + bias), W kept as blocks of 1 output x 4 inputs, X and Y in C4.
//
//   y          u7[n4][y_stride bytes]: a plane holds 4 channels of each pixel, [pixel][4]
//   x          u7 planes; `offsets` says where
//   w          s8[blocks][4]
//   offsets    i32[blocks], bytes from x to the plane (and tap) that a block reads
//   starts     i32[n4 * 4 + 1], the first block of each output
//   bias       i32[n4 * 4]
//   mult       f32[n4 * 4], s_x s_w / s_y
//   post       see post.ts
//   scratch    128 bytes, 16-byte aligned
//   m8         groups of 8 pixels, >= 0; x must be readable and y writable up to m8 * 32 bytes
//   n4         groups of 4 outputs, >= 0
//   y_stride   bytes between planes of y, >= m8 * 32
//
// Exact while k <= 133144. Rounds half to even.
export function u7_s8w_spmm_1x4(
  y: usize,
  x: usize,
  w: usize,
  offsets: usize,
  starts: usize,
  bias: usize,
  mult: usize,
  post: usize,
  scratch: usize,
  m8: i32,
  n4: i32,
  y_stride: i32,
): void {
  let tile = 0;
  for (; tile + 4 <= m8; tile += 4) {
    tile32(y, x, w, offsets, starts, bias, mult, post, scratch, n4, y_stride);
    x += 128;
    y += 128;
  }
  for (; tile < m8; ++tile) {
    tile8(y, x, w, offsets, starts, bias, mult, post, scratch, n4, y_stride);
    x += 32;
    y += 32;
  }
}

// 32 pixels: a splat of 4 weights meets 8 vectors of 4 pixels.
function tile32(
  y: usize,
  x: usize,
  w: usize,
  offsets: usize,
  starts: usize,
  bias: usize,
  mult: usize,
  post: usize,
  scratch: usize,
  n4: i32,
  y_stride: i32,
): void {
  const shift = post_shift(post);
  const low = post_low(post);
  const high = post_high(post);
  const table = <usize>load<u32>(post, 12);
  let at = offsets;
  for (let group = 0; group < n4; ++group) {
    for (let r = 0; r < 4; ++r) {
      const row: usize = <usize>((group << 2) + r) << 2;
      let s0 = v128.load32_splat(bias + row);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      let s4 = s0;
      let s5 = s0;
      let s6 = s0;
      let s7 = s0;
      const end = offsets + (<usize>load<i32>(starts + row, 4) << 2);
      while (at < end) {
        const xt = x + load<i32>(at);
        const w4 = splat4(w);
        const even = s8_even(w4);
        const odd = s8_odd(w4);
        const x0 = v128.load(xt);
        const x1 = v128.load(xt, 16);
        const x2 = v128.load(xt, 32);
        const x3 = v128.load(xt, 48);
        const x4 = v128.load(xt, 64);
        const x5 = v128.load(xt, 80);
        const x6 = v128.load(xt, 96);
        const x7 = v128.load(xt, 112);
        s0 = dot4_add(s0, even, odd, u7_even(x0), u7_odd(x0));
        s1 = dot4_add(s1, even, odd, u7_even(x1), u7_odd(x1));
        s2 = dot4_add(s2, even, odd, u7_even(x2), u7_odd(x2));
        s3 = dot4_add(s3, even, odd, u7_even(x3), u7_odd(x3));
        s4 = dot4_add(s4, even, odd, u7_even(x4), u7_odd(x4));
        s5 = dot4_add(s5, even, odd, u7_even(x5), u7_odd(x5));
        s6 = dot4_add(s6, even, odd, u7_even(x6), u7_odd(x6));
        s7 = dot4_add(s7, even, odd, u7_even(x7), u7_odd(x7));
        w += 4;
        at += 4;
      }
      const m = v128.load32_splat(mult + row);
      let a = narrow16(requantize4(s0, m, shift), requantize4(s1, m, shift), requantize4(s2, m, shift), requantize4(s3, m, shift), low, high);
      let b = narrow16(requantize4(s4, m, shift), requantize4(s5, m, shift), requantize4(s6, m, shift), requantize4(s7, m, shift), low, high);
      if (table) {
        a = table16(table, a);
        b = table16(table, b);
      }
      v128.store(scratch + (r << 5), a);
      v128.store(scratch + (r << 5), b, 16);
    }
    interleave16(y, scratch);
    interleave16(y + 64, scratch + 16);
    y += y_stride;
  }
}

// 8 pixels, for what the tiles of 32 leave over.
function tile8(
  y: usize,
  x: usize,
  w: usize,
  offsets: usize,
  starts: usize,
  bias: usize,
  mult: usize,
  post: usize,
  scratch: usize,
  n4: i32,
  y_stride: i32,
): void {
  const shift = post_shift(post);
  const low = post_low(post);
  const high = post_high(post);
  const table = <usize>load<u32>(post, 12);
  let at = offsets;
  for (let group = 0; group < n4; ++group) {
    for (let r = 0; r < 4; ++r) {
      const row: usize = <usize>((group << 2) + r) << 2;
      let s0 = v128.load32_splat(bias + row);
      let s1 = s0;
      const end = offsets + (<usize>load<i32>(starts + row, 4) << 2);
      while (at < end) {
        const xt = x + load<i32>(at);
        const w4 = splat4(w);
        const x0 = v128.load(xt);
        const x1 = v128.load(xt, 16);
        s0 = dot4_add(s0, s8_even(w4), s8_odd(w4), u7_even(x0), u7_odd(x0));
        s1 = dot4_add(s1, s8_even(w4), s8_odd(w4), u7_even(x1), u7_odd(x1));
        w += 4;
        at += 4;
      }
      const m = v128.load32_splat(mult + row);
      const q0 = requantize4(s0, m, shift);
      const q1 = requantize4(s1, m, shift);
      let a = narrow16(q0, q1, q0, q1, low, high);
      if (table) a = table16(table, a);
      v128.store(scratch + (r << 3), a);
    }
    // [row][8 pixels] -> [pixel][4 rows]; the fourth row's store ran 8 bytes over into unused scratch
    const r01 = v128.load(scratch);
    const r23 = v128.load(scratch, 16);
    v128.store(y, i8x16.shuffle(r01, r23, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27));
    v128.store(y, i8x16.shuffle(r01, r23, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31), 16);
    y += y_stride;
  }
}

// 4 rows of 16 bytes, 32 apart, to 16 pixels of 4 bytes.
// @ts-ignore: decorator
@inline
function interleave16(y: usize, rows: usize): void {
  const r0 = v128.load(rows);
  const r1 = v128.load(rows, 32);
  const r2 = v128.load(rows, 64);
  const r3 = v128.load(rows, 96);
  const r01_lo = i8x16.shuffle(r0, r1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const r01_hi = i8x16.shuffle(r0, r1, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const r23_lo = i8x16.shuffle(r2, r3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const r23_hi = i8x16.shuffle(r2, r3, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(y, i16x8.shuffle(r01_lo, r23_lo, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(y, i16x8.shuffle(r01_lo, r23_lo, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  v128.store(y, i16x8.shuffle(r01_hi, r23_hi, 0, 8, 1, 9, 2, 10, 3, 11), 32);
  v128.store(y, i16x8.shuffle(r01_hi, r23_hi, 4, 12, 5, 13, 6, 14, 7, 15), 48);
}

import { post_code, post_narrow } from "./post";
import {
  dot4_add,
  dot8_add,
  dot_ones,
  PAIRED,
  s8_even,
  s8_odd,
  store_4x8,
  u7_even,
  u7_odd,
} from "./simd";

// u7_s8w_spmm_1x4: Y = post(W X + bias), W kept as blocks of 1 output x 4 inputs, X and Y in C4.
//
//   y          u7 planes of 4 channels of each pixel, [pixel][4]; `tiles` says where. 0 in those past the last output
//   x          u7 planes; `offsets` and `tiles` say where
//   rows       of each output in turn what it takes, as src/kernels/layouts.ts packs it: one address to keep, and
//              no register for each list
//                i32     bias
//                i32[2]  bytes of those blocks that dot8_add may take two at a time, which come first, and of all
//                s8[4], i32  of each block its weights, and the bytes from a tile of x to the plane (and tap) it reads
//                f32     s_x s_w / s_y
//   post       see post.ts
//   scratch    128 bytes, 16-byte aligned
//   tiles      i32[m8][2], of each 8 pixels the bytes from x and those from y; tiles may overlap
//   m8         tiles, >= 0; each is read and written to 32 bytes
//   n          outputs, >= 0
//   y_stride   bytes between planes of y
//   chunk      tiles that go through all outputs before the next ones do, a multiple of 4, >= 4: see
//              u7_s8w_spmm_4x4
//
// Exact while k <= 133144. Rounds half to even.
export function u7_s8w_spmm_1x4(
  y: usize,
  x: usize,
  rows: usize,
  post: usize,
  scratch: usize,
  tiles: usize,
  m8: i32,
  n: i32,
  y_stride: i32,
  chunk: i32,
): void {
  const ones = dot_ones(v128.load(post));
  const end_of_tiles = tiles + (<usize>m8 << 3);
  // Three tiles left over go as four, the last of them again: each alone costs nearly half as much.
  const whole = tiles + (<usize>((m8 + 1) & ~3) << 3);
  const last = end_of_tiles - 8;
  while (tiles < whole) {
    const next = min(tiles + (<usize>chunk << 3), whole);
    let first = rows;
    let at = rows;
    let yg = y;
    for (let left = n; left > 0; left -= 4) {
      const lanes = scratch + (<usize>min(left, 4) << 5);
      // 32 pixels: a splat of 4 weights meets 8 vectors of 4 pixels.
      for (let tile = tiles; tile < next; tile += 32) {
        const td = min(tile + 24, last);
        const xa = x + load<i32>(tile);
        const xb = x + load<i32>(tile, 8);
        const xc = x + load<i32>(tile, 16);
        const xd = x + load<i32>(td);
        let lane = scratch;
        at = first;
        for (; lane < lanes; lane += 32) {
          let s0 = v128.load32_splat(at);
          let s1 = s0;
          let s2 = s0;
          let s3 = s0;
          let s4 = s0;
          let s5 = s0;
          let s6 = s0;
          let s7 = s0;
          const blocks = at + 12;
          const paired = blocks + load<i32>(at, 4);
          const end = blocks + load<i32>(at, 8);
          at = blocks;
          while (PAIRED && at < paired) {
            const w4 = v128.load32_splat(at);
            const p = <usize>load<i32>(at, 4);
            const v4 = v128.load32_splat(at, 8);
            const q = <usize>load<i32>(at, 12);
            const x0 = v128.load(xa + p);
            const z0 = v128.load(xa + q);
            s0 = dot8_add(s0, w4, x0, v4, z0, ones);
            const x1 = v128.load(xa + p, 16);
            const z1 = v128.load(xa + q, 16);
            s1 = dot8_add(s1, w4, x1, v4, z1, ones);
            const x2 = v128.load(xb + p);
            const z2 = v128.load(xb + q);
            s2 = dot8_add(s2, w4, x2, v4, z2, ones);
            const x3 = v128.load(xb + p, 16);
            const z3 = v128.load(xb + q, 16);
            s3 = dot8_add(s3, w4, x3, v4, z3, ones);
            const x4 = v128.load(xc + p);
            const z4 = v128.load(xc + q);
            s4 = dot8_add(s4, w4, x4, v4, z4, ones);
            const x5 = v128.load(xc + p, 16);
            const z5 = v128.load(xc + q, 16);
            s5 = dot8_add(s5, w4, x5, v4, z5, ones);
            const x6 = v128.load(xd + p);
            const z6 = v128.load(xd + q);
            s6 = dot8_add(s6, w4, x6, v4, z6, ones);
            const x7 = v128.load(xd + p, 16);
            const z7 = v128.load(xd + q, 16);
            s7 = dot8_add(s7, w4, x7, v4, z7, ones);
            at += 16;
          }
          while (at < end) {
            const w4 = v128.load32_splat(at);
            const p = <usize>load<i32>(at, 4);
            const we = s8_even(w4);
            const wo = s8_odd(w4);
            const x0 = v128.load(xa + p);
            s0 = dot4_add(s0, we, wo, u7_even(x0), u7_odd(x0), ones);
            const x1 = v128.load(xa + p, 16);
            s1 = dot4_add(s1, we, wo, u7_even(x1), u7_odd(x1), ones);
            const x2 = v128.load(xb + p);
            s2 = dot4_add(s2, we, wo, u7_even(x2), u7_odd(x2), ones);
            const x3 = v128.load(xb + p, 16);
            s3 = dot4_add(s3, we, wo, u7_even(x3), u7_odd(x3), ones);
            const x4 = v128.load(xc + p);
            s4 = dot4_add(s4, we, wo, u7_even(x4), u7_odd(x4), ones);
            const x5 = v128.load(xc + p, 16);
            s5 = dot4_add(s5, we, wo, u7_even(x5), u7_odd(x5), ones);
            const x6 = v128.load(xd + p);
            s6 = dot4_add(s6, we, wo, u7_even(x6), u7_odd(x6), ones);
            const x7 = v128.load(xd + p, 16);
            s7 = dot4_add(s7, we, wo, u7_even(x7), u7_odd(x7), ones);
            at += 8;
          }
          const m = v128.load32_splat(at);
          at += 4;
          const lo = post_narrow(post_code(s0, m, post), post_code(s1, m, post), post_code(s2, m, post), post_code(s3, m, post), post);
          const hi = post_narrow(post_code(s4, m, post), post_code(s5, m, post), post_code(s6, m, post), post_code(s7, m, post), post);
          v128.store(lane, lo);
          v128.store(lane, hi, 16);
        }
        for (; lane < scratch + 128; lane += 16) v128.store(lane, i32x4.splat(0));
        interleave16(yg + load<i32>(tile, 4), yg + load<i32>(tile, 12), scratch);
        interleave16(yg + load<i32>(tile, 20), yg + load<i32>(td, 4), scratch + 16);
      }
      first = at;
      yg += y_stride;
    }
    tiles = next;
  }
  for (; tiles < end_of_tiles; tiles += 8) {
    tile8(y + load<i32>(tiles, 4), x + load<i32>(tiles), rows, post, scratch, n, y_stride);
  }
}

// 8 pixels, for what the tiles of 32 leave over.
function tile8(
  y: usize,
  x: usize,
  at: usize,
  post: usize,
  scratch: usize,
  n: i32,
  y_stride: i32,
): void {
  const ones = dot_ones(v128.load(post));
  for (; n > 0; n -= 4) {
    v128.store(scratch, i32x4.splat(0));
    v128.store(scratch, i32x4.splat(0), 16);
    for (let lane = scratch, lanes = scratch + (<usize>min(n, 4) << 3); lane < lanes; lane += 8) {
      let s0 = v128.load32_splat(at);
      let s1 = s0;
      const blocks = at + 12;
      const end = blocks + load<i32>(at, 8);
      at = blocks;
      while (at < end) {
        const xt = x + load<i32>(at, 4);
        const w4 = v128.load32_splat(at);
        const x0 = v128.load(xt);
        const x1 = v128.load(xt, 16);
        s0 = dot4_add(s0, s8_even(w4), s8_odd(w4), u7_even(x0), u7_odd(x0), ones);
        s1 = dot4_add(s1, s8_even(w4), s8_odd(w4), u7_even(x1), u7_odd(x1), ones);
        at += 8;
      }
      const m = v128.load32_splat(at);
      at += 4;
      const q0 = post_code(s0, m, post);
      const q1 = post_code(s1, m, post);
      v128.store64_lane(lane, post_narrow(q0, q1, q0, q1, post), 0);
    }
    store_4x8(y, v128.load(scratch), v128.load(scratch, 16));
    y += y_stride;
  }
}

// 4 rows of 16 bytes, 32 apart, to two runs of 8 pixels of 4 bytes.
// @ts-ignore: decorator
@inline
function interleave16(y: usize, z: usize, rows: usize): void {
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
  v128.store(z, i16x8.shuffle(r01_hi, r23_hi, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(z, i16x8.shuffle(r01_hi, r23_hi, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

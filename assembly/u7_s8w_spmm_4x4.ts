import { post_store_4x8 } from "./post";
import { dot2, dot4_add, dot8_add, dot_ones, PAIRED, s8_even, s8_odd, u7_even, u7_odd, widen_add } from "./simd";

// u7_s8w_spmm_4x4: Y = post(W X + bias), W kept as blocks of 4 outputs x 4 inputs, X and Y in C4.
// A dense W is the one with every block: there the list of offsets costs nothing measurable.
//
//   y          u7 planes of 4 channels of each pixel, [pixel][4]; `tiles` says where
//   x          u7 planes; `offsets` and `tiles` say where
//   rows       of each group of 4 outputs in turn what it takes, as src/kernels/layouts.ts packs it: one address to
//              keep, and no register for each list
//                i32[4]   biases
//                i32      bytes of those blocks that dot8_add may take two at a time, which come first; -1 where all
//                         blocks are in runs, the sum of whose products has room in i16: for relaxed16 alone
//                i32      bytes of all blocks, with the runs' own
//                i32      before each run the bytes of its blocks
//                s8[4][4], i32  of each block its weights, [output][input], and the bytes from a tile of x to the
//                         plane (and tap) it reads
//                f32[4]   s_x s_w / s_y
//   post       see post.ts
//   tiles      i32[m8][2], of each 8 pixels the bytes from x and those from y; tiles may overlap
//   m8         tiles, >= 0; each is read and written to 32 bytes
//   n4         groups of 4 outputs, >= 0
//   y_stride   bytes between planes of y
//   chunk      tiles that go through all outputs before the next ones do, >= 1: as many as leave their x
//              in the L1 cache, so that y is written in runs and not 32 bytes to each of n4 planes
//
// Exact while k <= 133144. Rounds half to even.
export function u7_s8w_spmm_4x4(
  y: usize,
  x: usize,
  rows: usize,
  post: usize,
  tiles: usize,
  m8: i32,
  n4: i32,
  y_stride: i32,
  chunk: i32,
): void {
  const ones = dot_ones(v128.load(post));
  const last = tiles + (<usize>m8 << 3);
  while (tiles < last) {
    const next = min(tiles + (<usize>chunk << 3), last);
    let first = rows;
    let at = rows;
    let yg = y;
    for (let group = 0; group < n4; ++group) {
      if (PAIRED && load<i32>(first, 16) < 0) {
        for (let tile = tiles; tile < next; tile += 8) at = tile_in_runs(yg, x, tile, first, post, ones);
      } else {
        for (let tile = tiles; tile < next; tile += 8) at = tile_in_pairs(yg, x, tile, first, post, ones);
      }
      first = at;
      yg += y_stride;
    }
    tiles = next;
  }
}

// 8 pixels of 4 outputs whose blocks are in runs. Returns what follows their rows.
// @ts-ignore: decorator
@inline
function tile_in_runs(y: usize, x: usize, tile: usize, at: usize, post: usize, ones: v128): usize {
  const xp = x + load<i32>(tile);
  let r0_lo = v128.load32_splat(at);
  let r0_hi = r0_lo;
  let r1_lo = v128.load32_splat(at, 4);
  let r1_hi = r1_lo;
  let r2_lo = v128.load32_splat(at, 8);
  let r2_hi = r2_lo;
  let r3_lo = v128.load32_splat(at, 12);
  let r3_hi = r3_lo;
  const end = at + 24 + load<i32>(at, 20);
  at += 24;
  while (at < end) {
    // Eight sums in i16 fill the registers; the eight of i32 wait in memory for the end of the run.
    const stop = at + 4 + load<i32>(at);
    at += 4;
    let xt = xp + load<i32>(at, 16);
    let lo = v128.load(xt);
    let hi = v128.load(xt, 16);
    let w0 = v128.load32_splat(at);
    let w1 = v128.load32_splat(at, 4);
    let w2 = v128.load32_splat(at, 8);
    let w3 = v128.load32_splat(at, 12);
    let s0_lo_i16x8 = dot2(w0, lo);
    let s0_hi_i16x8 = dot2(w0, hi);
    let s1_lo_i16x8 = dot2(w1, lo);
    let s1_hi_i16x8 = dot2(w1, hi);
    let s2_lo_i16x8 = dot2(w2, lo);
    let s2_hi_i16x8 = dot2(w2, hi);
    let s3_lo_i16x8 = dot2(w3, lo);
    let s3_hi_i16x8 = dot2(w3, hi);
    at += 20;
    while (at < stop) {
      xt = xp + load<i32>(at, 16);
      lo = v128.load(xt);
      hi = v128.load(xt, 16);
      w0 = v128.load32_splat(at);
      s0_lo_i16x8 = i16x8.add(s0_lo_i16x8, dot2(w0, lo));
      s0_hi_i16x8 = i16x8.add(s0_hi_i16x8, dot2(w0, hi));
      w1 = v128.load32_splat(at, 4);
      s1_lo_i16x8 = i16x8.add(s1_lo_i16x8, dot2(w1, lo));
      s1_hi_i16x8 = i16x8.add(s1_hi_i16x8, dot2(w1, hi));
      w2 = v128.load32_splat(at, 8);
      s2_lo_i16x8 = i16x8.add(s2_lo_i16x8, dot2(w2, lo));
      s2_hi_i16x8 = i16x8.add(s2_hi_i16x8, dot2(w2, hi));
      w3 = v128.load32_splat(at, 12);
      s3_lo_i16x8 = i16x8.add(s3_lo_i16x8, dot2(w3, lo));
      s3_hi_i16x8 = i16x8.add(s3_hi_i16x8, dot2(w3, hi));
      at += 20;
    }
    r0_lo = widen_add(r0_lo, s0_lo_i16x8, ones);
    r0_hi = widen_add(r0_hi, s0_hi_i16x8, ones);
    r1_lo = widen_add(r1_lo, s1_lo_i16x8, ones);
    r1_hi = widen_add(r1_hi, s1_hi_i16x8, ones);
    r2_lo = widen_add(r2_lo, s2_lo_i16x8, ones);
    r2_hi = widen_add(r2_hi, s2_hi_i16x8, ones);
    r3_lo = widen_add(r3_lo, s3_lo_i16x8, ones);
    r3_hi = widen_add(r3_hi, s3_hi_i16x8, ones);
  }
  post_store_4x8(y + load<i32>(tile, 4), at, post, r0_lo, r0_hi, r1_lo, r1_hi, r2_lo, r2_hi, r3_lo, r3_hi);
  return at + 16;
}

// 8 pixels of 4 outputs whose blocks go by twos as far as they can, and then one by one. Returns what follows their rows.
// @ts-ignore: decorator
@inline
function tile_in_pairs(y: usize, x: usize, tile: usize, at: usize, post: usize, ones: v128): usize {
  const xp = x + load<i32>(tile);
  // The blocks again, for the upper pixels: loaded from `at`, the optimizer would keep the splats of the lower ones.
  // Only w3 and v3 stay, as x_lo and z_lo die there. Otherwise accumulators are spilled, and where
  // those slots lie across cache lines, which is up to the caller's stack, the loop takes half as long again.
  let wh = at + 24;
  let r0_lo = v128.load32_splat(at);
  let r0_hi = r0_lo;
  let r1_lo = v128.load32_splat(at, 4);
  let r1_hi = r1_lo;
  let r2_lo = v128.load32_splat(at, 8);
  let r2_hi = r2_lo;
  let r3_lo = v128.load32_splat(at, 12);
  let r3_hi = r3_lo;
  const end = wh + load<i32>(at, 20);
  const paired = wh + load<i32>(at, 16);
  at = wh;
  while (PAIRED && at < paired) {
    const xt = xp + load<i32>(at, 16);
    const zt = xp + load<i32>(at, 36);
    const x_lo = v128.load(xt);
    const z_lo = v128.load(zt);
    const w0_lo = v128.load32_splat(at);
    const v0_lo = v128.load32_splat(at, 20);
    r0_lo = dot8_add(r0_lo, w0_lo, x_lo, v0_lo, z_lo, ones);
    const w1_lo = v128.load32_splat(at, 4);
    const v1_lo = v128.load32_splat(at, 24);
    r1_lo = dot8_add(r1_lo, w1_lo, x_lo, v1_lo, z_lo, ones);
    const w2_lo = v128.load32_splat(at, 8);
    const v2_lo = v128.load32_splat(at, 28);
    r2_lo = dot8_add(r2_lo, w2_lo, x_lo, v2_lo, z_lo, ones);
    const w3 = v128.load32_splat(at, 12);
    const v3 = v128.load32_splat(at, 32);
    r3_lo = dot8_add(r3_lo, w3, x_lo, v3, z_lo, ones);
    const x_hi = v128.load(xt, 16);
    const z_hi = v128.load(zt, 16);
    r3_hi = dot8_add(r3_hi, w3, x_hi, v3, z_hi, ones);
    const w0_hi = v128.load32_splat(wh);
    const v0_hi = v128.load32_splat(wh, 20);
    r0_hi = dot8_add(r0_hi, w0_hi, x_hi, v0_hi, z_hi, ones);
    const w1_hi = v128.load32_splat(wh, 4);
    const v1_hi = v128.load32_splat(wh, 24);
    r1_hi = dot8_add(r1_hi, w1_hi, x_hi, v1_hi, z_hi, ones);
    const w2_hi = v128.load32_splat(wh, 8);
    const v2_hi = v128.load32_splat(wh, 28);
    r2_hi = dot8_add(r2_hi, w2_hi, x_hi, v2_hi, z_hi, ones);
    wh += 40;
    at += 40;
  }
  while (at < end) {
    const xt = xp + load<i32>(at, 16);
    const lo = v128.load(xt);
    const hi = v128.load(xt, 16);
    const lo_even = u7_even(lo);
    const lo_odd = u7_odd(lo);
    const hi_even = u7_even(hi);
    const hi_odd = u7_odd(hi);
    const w0 = v128.load32_splat(at);
    r0_lo = dot4_add(r0_lo, s8_even(w0), s8_odd(w0), lo_even, lo_odd, ones);
    r0_hi = dot4_add(r0_hi, s8_even(w0), s8_odd(w0), hi_even, hi_odd, ones);
    const w1 = v128.load32_splat(at, 4);
    r1_lo = dot4_add(r1_lo, s8_even(w1), s8_odd(w1), lo_even, lo_odd, ones);
    r1_hi = dot4_add(r1_hi, s8_even(w1), s8_odd(w1), hi_even, hi_odd, ones);
    const w2 = v128.load32_splat(at, 8);
    r2_lo = dot4_add(r2_lo, s8_even(w2), s8_odd(w2), lo_even, lo_odd, ones);
    r2_hi = dot4_add(r2_hi, s8_even(w2), s8_odd(w2), hi_even, hi_odd, ones);
    const w3 = v128.load32_splat(at, 12);
    r3_lo = dot4_add(r3_lo, s8_even(w3), s8_odd(w3), lo_even, lo_odd, ones);
    r3_hi = dot4_add(r3_hi, s8_even(w3), s8_odd(w3), hi_even, hi_odd, ones);
    at += 20;
  }
  post_store_4x8(y + load<i32>(tile, 4), at, post, r0_lo, r0_hi, r1_lo, r1_hi, r2_lo, r2_hi, r3_lo, r3_hi);
  return at + 16;
}

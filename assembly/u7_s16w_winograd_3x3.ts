import { post_store_4x8 } from "./post";

// u7_s16w_winograd_3x3: Y = post(W * X + bias), every weight of 3 x 3 in it, stride 1, X and Y in C4.
// Winograd's F(2 x 2, 3 x 3) in integers: squares of 2 x 2 results take 16 products each where 36 are due, and
// get the same sums. With G doubled nothing is a fraction, and the sums come out 4 times too large; the
// multiplication of floats that follows is as exact with a quarter of `mult`. What overflows i32 on the way comes
// back by the end.
//
//   y          u7[n4][y_stride bytes]
//   x          u7[k4][x_stride bytes]; `tiles` says where
//   w          s16[n4][16][k4][4 outputs][4 inputs], 4 G g G^T of each kernel g: see src/kernels/winograd.ts
//   bias       i32[n4 * 4], 4 times the bias
//   mult       f32[n4 * 4], a quarter of s_x s_w / s_y
//   post       see post.ts
//   scratch    512 k4 chunk + 2304 bytes
//   tiles      i32[m][2], of each 8 pixels in 2 rows of y the bytes from x and those from y; tiles may
//              overlap, and run over into what is written later
//   m          tiles, >= 0; each is read to 40 bytes of 4 rows, and written to 32 of 2
//   k4, n4     groups of 4 inputs, >= 1, and of 4 outputs, >= 0
//   x_pitch, y_pitch    bytes from row to row
//   x_stride, y_stride  bytes between planes
//   chunk      tiles that go through all outputs before the next ones do, >= 1: where the weights are too many
//              for a cache, so many times more seldom they come from memory
//
// Exact while 4 times a sum with its bias fits i32. Rounds half to even.
export function u7_s16w_winograd_3x3(
  y: usize,
  x: usize,
  w: usize,
  bias: usize,
  mult: usize,
  post: usize,
  scratch: usize,
  tiles: usize,
  m: i32,
  k4: i32,
  n4: i32,
  x_pitch: i32,
  y_pitch: i32,
  x_stride: i32,
  y_stride: i32,
  chunk: i32,
): void {
  // s16[16][k4][4 squares][4 inputs], then i32[16][4 outputs][4 squares][2 halves of a sum], then
  // i32[2 rows][4 outputs][8 pixels]
  const step = <usize>k4 << 5;
  const sums = scratch + (step << 4) * chunk;
  const rows = sums + 2048;
  const last = tiles + (<usize>m << 3);
  while (tiles < last) {
    const next = min(tiles + (<usize>chunk << 3), last);
    let at = scratch;
    for (let tile = tiles; tile < next; tile += 8) {
      let xg = x + load<i32>(tile);
      for (const end = at + step; at < end; at += 32) {
        for (let half: usize = 0; half < 32; half += 16) spread(at + half, step, xg + half, x_pitch);
        xg += x_stride;
      }
      at += step * 15;
    }
    let wg = w;
    let yg = y;
    for (let group: usize = 0, groups = <usize>n4 << 4; group < groups; group += 16) {
      at = scratch;
      for (let tile = tiles; tile < next; tile += 8) {
        let wt = wg;
        for (let sum = sums; sum < rows; sum += 128) {
          let r0_lo = i32x4.splat(0);
          let r0_hi = r0_lo;
          let r1_lo = r0_lo;
          let r1_hi = r0_lo;
          let r2_lo = r0_lo;
          let r2_hi = r0_lo;
          let r3_lo = r0_lo;
          let r3_hi = r0_lo;
          for (const end = at + step; at < end; at += 32) {
            const lo = v128.load(at);
            const hi = v128.load(at, 16);
            const w0 = v128.load64_splat(wt);
            r0_lo = i32x4.add(r0_lo, i32x4.dot_i16x8_s(lo, w0));
            r0_hi = i32x4.add(r0_hi, i32x4.dot_i16x8_s(hi, w0));
            const w1 = v128.load64_splat(wt, 8);
            r1_lo = i32x4.add(r1_lo, i32x4.dot_i16x8_s(lo, w1));
            r1_hi = i32x4.add(r1_hi, i32x4.dot_i16x8_s(hi, w1));
            const w2 = v128.load64_splat(wt, 16);
            r2_lo = i32x4.add(r2_lo, i32x4.dot_i16x8_s(lo, w2));
            r2_hi = i32x4.add(r2_hi, i32x4.dot_i16x8_s(hi, w2));
            const w3 = v128.load64_splat(wt, 24);
            r3_lo = i32x4.add(r3_lo, i32x4.dot_i16x8_s(lo, w3));
            r3_hi = i32x4.add(r3_hi, i32x4.dot_i16x8_s(hi, w3));
            wt += 32;
          }
          v128.store(sum, r0_lo);
          v128.store(sum, r0_hi, 16);
          v128.store(sum, r1_lo, 32);
          v128.store(sum, r1_hi, 48);
          v128.store(sum, r2_lo, 64);
          v128.store(sum, r2_hi, 80);
          v128.store(sum, r3_lo, 96);
          v128.store(sum, r3_hi, 112);
        }
        for (let half: usize = 0; half < 128; half += 16) {
          const from = sums + half;
          const to = rows + half;
          const bias_i32x4 = v128.load32_splat(bias + group + ((half >> 5) << 2));
          // the squares' two rows of four columns
          const u0 = i32x4.add(i32x4.add(v128.load(from), v128.load(from, 512)), v128.load(from, 1024));
          const u1 = i32x4.add(i32x4.add(v128.load(from, 128), v128.load(from, 640)), v128.load(from, 1152));
          const u2 = i32x4.add(i32x4.add(v128.load(from, 256), v128.load(from, 768)), v128.load(from, 1280));
          const u3 = i32x4.add(i32x4.add(v128.load(from, 384), v128.load(from, 896)), v128.load(from, 1408));
          v128.store(to, gather(u0, u1, u2, u3, bias_i32x4));
          const v0 = i32x4.sub(i32x4.sub(v128.load(from, 512), v128.load(from, 1024)), v128.load(from, 1536));
          const v1 = i32x4.sub(i32x4.sub(v128.load(from, 640), v128.load(from, 1152)), v128.load(from, 1664));
          const v2 = i32x4.sub(i32x4.sub(v128.load(from, 768), v128.load(from, 1280)), v128.load(from, 1792));
          const v3 = i32x4.sub(i32x4.sub(v128.load(from, 896), v128.load(from, 1408)), v128.load(from, 1920));
          v128.store(to, gather(v0, v1, v2, v3, bias_i32x4), 128);
        }
        let yt = yg + load<i32>(tile, 4);
        for (let row = rows; row < rows + 256; row += 128) {
          post_store_4x8(
            yt,
            mult + group,
            post,
            v128.load(row),
            v128.load(row, 16),
            v128.load(row, 32),
            v128.load(row, 48),
            v128.load(row, 64),
            v128.load(row, 80),
            v128.load(row, 96),
            v128.load(row, 112),
          );
          yt += y_pitch;
        }
      }
      wg += step << 4;
      yg += y_stride;
    }
    tiles = next;
  }
}

// B^T d B of two squares, 4 inputs each: d is 4 rows of 6 pixels.
// @ts-ignore: decorator
@inline
function spread(to: usize, step: usize, x: usize, pitch: i32): void {
  const x1 = x + pitch;
  const x2 = x1 + pitch;
  const x3 = x2 + pitch;
  const a0 = v128.load8x8_u(x);
  const a1 = v128.load8x8_u(x, 8);
  const a2 = v128.load8x8_u(x, 16);
  const b0 = v128.load8x8_u(x1);
  const b1 = v128.load8x8_u(x1, 8);
  const b2 = v128.load8x8_u(x1, 16);
  const c0 = v128.load8x8_u(x2);
  const c1 = v128.load8x8_u(x2, 8);
  const c2 = v128.load8x8_u(x2, 16);
  const d0 = v128.load8x8_u(x3);
  const d1 = v128.load8x8_u(x3, 8);
  const d2 = v128.load8x8_u(x3, 16);
  spread_row(to, step, i16x8.sub(a0, c0), i16x8.sub(a1, c1), i16x8.sub(a2, c2));
  to += step << 2;
  spread_row(to, step, i16x8.add(b0, c0), i16x8.add(b1, c1), i16x8.add(b2, c2));
  to += step << 2;
  spread_row(to, step, i16x8.sub(c0, b0), i16x8.sub(c1, b1), i16x8.sub(c2, b2));
  to += step << 2;
  spread_row(to, step, i16x8.sub(b0, d0), i16x8.sub(b1, d1), i16x8.sub(b2, d2));
}

// One of the 4 rows, its 6 pixels given by twos.
// @ts-ignore: decorator
@inline
function spread_row(to: usize, step: usize, p0: v128, p1: v128, p2: v128): void {
  const first = i16x8.sub(p0, p1);
  const second = i16x8.sub(p1, p2);
  const left = i64x2.shuffle(p0, p1, 1, 3);
  const right = i64x2.shuffle(p1, p2, 0, 2);
  v128.store(to, i64x2.shuffle(first, second, 0, 2));
  to += step;
  v128.store(to, i16x8.add(right, left));
  to += step;
  v128.store(to, i16x8.sub(right, left));
  to += step;
  v128.store(to, i64x2.shuffle(first, second, 1, 3));
}

// Two results of each of two squares from 4 columns, the halves of each sum added.
// @ts-ignore: decorator
@inline
function gather(u0: v128, u1: v128, u2: v128, u3: v128, bias: v128): v128 {
  const left = i32x4.add(i32x4.add(u0, u1), u2);
  const right = i32x4.sub(i32x4.sub(u1, u2), u3);
  return i32x4.add(
    bias,
    i32x4.shuffle(
      i32x4.add(left, i64x2.shr_u(left, 32)),
      i32x4.add(right, i64x2.shl(right, 32)),
      0,
      5,
      2,
      7,
    ),
  );
}

import { dot4_add, dot_ones, s8_even, s8_odd, u7_even, u7_odd } from "./simd";
import { store_lanes_here } from "./words";

// u7_s8w_f32_spmm: Y = (W X + bias) * mult in f32, for the last layer of a net of pictures.
//
//   y          f32[pixels][n]; `tiles` says where
//   x          u7 planes of 4 channels of each pixel; `offsets` and `tiles` say where
//   w          s8[n4][blocks][4 outputs][4 inputs]
//   offsets    i32[blocks], bytes from a tile of x to the plane (and tap) that a block reads
//   bias       i32[n4 * 4]
//   mult       f32[n4 * 4], s_x s_w
//   tiles      i32[m4][3], of each tile the bytes from x and those from y, and its pixels, 1 to 4
//   m4         tiles, >= 0; each is read to 16 bytes
//   blocks     >= 0
//   n          outputs, >= 0
//
// Exact while k <= 133144, then one rounding to f32 and one f32 product.
export function u7_s8w_f32_spmm(
  y: usize,
  x: usize,
  w: usize,
  offsets: usize,
  bias: usize,
  mult: usize,
  tiles: usize,
  m4: i32,
  blocks: i32,
  n: i32,
): void {
  const ones = dot_ones(i32x4.splat(n));
  const last = offsets + (<usize>blocks << 2);
  const row = <usize>n << 2;
  for (const end = tiles + <usize>m4 * 12; tiles < end; tiles += 12) {
    const xt = x + load<i32>(tiles);
    const count = load<i32>(tiles, 8);
    let yt = y + load<i32>(tiles, 4);
    let wt = w;
    for (let first = 0; first < n; first += 4) {
      const bt = bias + (<usize>first << 2);
      const mt = mult + (<usize>first << 2);
      let r0 = v128.load32_splat(bt);
      let r1 = v128.load32_splat(bt, 4);
      let r2 = v128.load32_splat(bt, 8);
      let r3 = v128.load32_splat(bt, 12);
      for (let at = offsets; at < last; at += 4) {
        const x_u7x16 = v128.load(xt + load<i32>(at));
        const even = u7_even(x_u7x16);
        const odd = u7_odd(x_u7x16);
        const w0 = v128.load32_splat(wt);
        r0 = dot4_add(r0, s8_even(w0), s8_odd(w0), even, odd, ones);
        const w1 = v128.load32_splat(wt, 4);
        r1 = dot4_add(r1, s8_even(w1), s8_odd(w1), even, odd, ones);
        const w2 = v128.load32_splat(wt, 8);
        r2 = dot4_add(r2, s8_even(w2), s8_odd(w2), even, odd, ones);
        const w3 = v128.load32_splat(wt, 12);
        r3 = dot4_add(r3, s8_even(w3), s8_odd(w3), even, odd, ones);
        wt += 16;
      }
      r0 = f32x4.mul(f32x4.convert_i32x4_s(r0), v128.load32_splat(mt));
      r1 = f32x4.mul(f32x4.convert_i32x4_s(r1), v128.load32_splat(mt, 4));
      r2 = f32x4.mul(f32x4.convert_i32x4_s(r2), v128.load32_splat(mt, 8));
      r3 = f32x4.mul(f32x4.convert_i32x4_s(r3), v128.load32_splat(mt, 12));
      // [output][pixel] to [pixel][output]
      const r01_lo = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
      const r01_hi = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
      const r23_lo = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
      const r23_hi = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
      const left = n - first;
      store_lanes_here(yt, i64x2.shuffle(r01_lo, r23_lo, 0, 2), left);
      if (count > 1) store_lanes_here(yt + row, i64x2.shuffle(r01_lo, r23_lo, 1, 3), left);
      if (count > 2) store_lanes_here(yt + (row << 1), i64x2.shuffle(r01_hi, r23_hi, 0, 2), left);
      if (count > 3) store_lanes_here(yt + row * 3, i64x2.shuffle(r01_hi, r23_hi, 1, 3), left);
      yt += 16;
    }
  }
}

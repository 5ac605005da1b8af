import { clamp4, place_of, store_lanes_here } from "./words";

// f32_conv2d: products of windows and a kernel, wherever the windows lie.
//
//   y          f32, written at the places
//   x          f32, read at the places
//   w          f32[ceil(n / 8)][t][k][8], outputs past n anything finite
//   bias       f32[ceil(n / 8)][8]
//   places     i32[m][2]: for each pixel the byte offsets of its window in x and of its n results in y
//   taps       i32[t]: byte offset within a window of each run of k numbers
//   m, t, k, n >= 0
//   low, high  bounds of the results, infinite for none
//
// Every output adds its products to the bias in order of tap and k, each product and sum rounded apart:
// same bits in every binary and for every m.
export function f32_conv2d(
  y: usize,
  x: usize,
  w: usize,
  bias: usize,
  places: usize,
  taps: usize,
  m: i32,
  t: i32,
  k: i32,
  n: i32,
  low: f32,
  high: f32,
): void {
  const low_f32x4 = f32x4.splat(low);
  const high_f32x4 = f32x4.splat(high);
  const taps_end = taps + (<usize>t << 2);
  const run = <usize>k << 2;
  // 8 outputs of all pixels, then the next 8: their weights stay in the L1 cache.
  for (; n > 0; n -= 8) {
    for (let pixel = 0; pixel < m; pixel += 4) {
      const a_place = place_of(places, pixel, m);
      const b_place = place_of(places, pixel + 1, m);
      const c_place = place_of(places, pixel + 2, m);
      const d_place = place_of(places, pixel + 3, m);
      let a0 = v128.load(bias);
      let a1 = v128.load(bias, 16);
      let b0 = a0;
      let b1 = a1;
      let c0 = a0;
      let c1 = a1;
      let d0 = a0;
      let d1 = a1;
      let from = w;
      for (let tap = taps; tap < taps_end; tap += 4) {
        const window = x + <usize>load<i32>(tap);
        const xa = window + <usize>load<i32>(a_place);
        const xb = window + <usize>load<i32>(b_place);
        const xc = window + <usize>load<i32>(c_place);
        const xd = window + <usize>load<i32>(d_place);
        for (let at: usize = 0; at < run; at += 4) {
          const w0 = v128.load(from);
          const w1 = v128.load(from, 16);
          const a = v128.load32_splat(xa + at);
          const b = v128.load32_splat(xb + at);
          const c = v128.load32_splat(xc + at);
          const d = v128.load32_splat(xd + at);
          a0 = f32x4.add(a0, f32x4.mul(a, w0));
          a1 = f32x4.add(a1, f32x4.mul(a, w1));
          b0 = f32x4.add(b0, f32x4.mul(b, w0));
          b1 = f32x4.add(b1, f32x4.mul(b, w1));
          c0 = f32x4.add(c0, f32x4.mul(c, w0));
          c1 = f32x4.add(c1, f32x4.mul(c, w1));
          d0 = f32x4.add(d0, f32x4.mul(d, w0));
          d1 = f32x4.add(d1, f32x4.mul(d, w1));
          from += 32;
        }
      }
      store8(y + <usize>load<i32>(a_place, 4), a0, a1, low_f32x4, high_f32x4, n);
      store8(y + <usize>load<i32>(b_place, 4), b0, b1, low_f32x4, high_f32x4, n);
      store8(y + <usize>load<i32>(c_place, 4), c0, c1, low_f32x4, high_f32x4, n);
      store8(y + <usize>load<i32>(d_place, 4), d0, d1, low_f32x4, high_f32x4, n);
    }
    w += <usize>(t * k) << 5;
    bias += 32;
    y += 32;
  }
}

function store8(y: usize, left_f32x4: v128, right_f32x4: v128, low_f32x4: v128, high_f32x4: v128, n: i32): void {
  store_lanes_here(y, clamp4(left_f32x4, low_f32x4, high_f32x4), n);
  store_lanes_here(y + 16, clamp4(right_f32x4, low_f32x4, high_f32x4), n - 4);
}

import { clamp4, place_of, store_lanes_here } from "./words";

// f32_depthwise: each channel's window and kernel of its own.
//
//   y          f32, written at the places
//   x          f32, read at the places; readable to whole groups of 4 channels
//   w          f32[t][groups of 4 channels][4]
//   bias       f32[groups of 4 channels][4]
//   places     i32[m][2]: for each pixel the byte offsets of its window in x and of its n results in y
//   taps       i32[t]: byte offset within a window of each cell
//   m, t, n    >= 0
//   low, high  bounds of the results, infinite for none
//
// Every output adds its products to the bias in order of tap, each product and sum rounded apart: same
// bits in every binary.
export function f32_depthwise(
  y: usize,
  x: usize,
  w: usize,
  bias: usize,
  places: usize,
  taps: usize,
  m: i32,
  t: i32,
  n: i32,
  low: f32,
  high: f32,
): void {
  const low_f32x4 = f32x4.splat(low);
  const high_f32x4 = f32x4.splat(high);
  const taps_end = taps + (<usize>t << 2);
  const row = (<usize>(n + 3) >> 2) << 4;
  for (let pixel = 0; pixel < m; pixel += 4) {
    const a_place = place_of(places, pixel, m);
    const b_place = place_of(places, pixel + 1, m);
    const c_place = place_of(places, pixel + 2, m);
    const d_place = place_of(places, pixel + 3, m);
    const xa = x + <usize>load<i32>(a_place);
    const xb = x + <usize>load<i32>(b_place);
    const xc = x + <usize>load<i32>(c_place);
    const xd = x + <usize>load<i32>(d_place);
    for (let c = 0; c < n; c += 4) {
      const at = <usize>c << 2;
      let sa = v128.load(bias + at);
      let sb = sa;
      let sc = sa;
      let sd = sa;
      let from = w + at;
      for (let tap = taps; tap < taps_end; tap += 4) {
        const offset = at + <usize>load<i32>(tap);
        const weight = v128.load(from);
        sa = f32x4.add(sa, f32x4.mul(weight, v128.load(xa + offset)));
        sb = f32x4.add(sb, f32x4.mul(weight, v128.load(xb + offset)));
        sc = f32x4.add(sc, f32x4.mul(weight, v128.load(xc + offset)));
        sd = f32x4.add(sd, f32x4.mul(weight, v128.load(xd + offset)));
        from += row;
      }
      const out = y + at;
      store_lanes_here(out + <usize>load<i32>(a_place, 4), clamp4(sa, low_f32x4, high_f32x4), n - c);
      store_lanes_here(out + <usize>load<i32>(b_place, 4), clamp4(sb, low_f32x4, high_f32x4), n - c);
      store_lanes_here(out + <usize>load<i32>(c_place, 4), clamp4(sc, low_f32x4, high_f32x4), n - c);
      store_lanes_here(out + <usize>load<i32>(d_place, 4), clamp4(sd, low_f32x4, high_f32x4), n - c);
    }
  }
}

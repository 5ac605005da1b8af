import { store_lanes_here } from "./words";

// f32_max_pool: the largest number of each channel's window.
//
//   y          f32, written at the places
//   x          f32, read at the places; readable to whole groups of 16 channels; NaN counts as none
//   places     i32[m][2]: for each pixel the byte offsets of its window in x and of its n results in y
//   taps       i32[t]: byte offset within a window of each cell
//   m, t, n    >= 0
export function f32_max_pool(y: usize, x: usize, places: usize, taps: usize, m: i32, t: i32, n: i32): void {
  const taps_end = taps + (<usize>t << 2);
  for (const end = places + (<usize>m << 3); places < end; places += 8) {
    const window = x + <usize>load<i32>(places);
    const out = y + <usize>load<i32>(places, 4);
    for (let c = 0; c < n; c += 16) {
      const at = <usize>c << 2;
      let a_f32x4 = f32x4.splat(-Infinity);
      let b_f32x4 = a_f32x4;
      let c_f32x4 = a_f32x4;
      let d_f32x4 = a_f32x4;
      for (let tap = taps; tap < taps_end; tap += 4) {
        const from = window + at + <usize>load<i32>(tap);
        a_f32x4 = f32x4.pmax(a_f32x4, v128.load(from));
        b_f32x4 = f32x4.pmax(b_f32x4, v128.load(from, 16));
        c_f32x4 = f32x4.pmax(c_f32x4, v128.load(from, 32));
        d_f32x4 = f32x4.pmax(d_f32x4, v128.load(from, 48));
      }
      store_lanes_here(out + at, a_f32x4, n - c);
      store_lanes_here(out + at + 16, b_f32x4, n - c - 4);
      store_lanes_here(out + at + 32, c_f32x4, n - c - 8);
      store_lanes_here(out + at + 48, d_f32x4, n - c - 12);
    }
  }
}

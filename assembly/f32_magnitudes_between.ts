import { kept, MAGNITUDE, magnitude_bits, sum4 } from "./lanes";
import { gather16 } from "./simd";

// f32_magnitudes_between: appends the magnitudes within a range, counts those below it.
//
//   out        i32[], bits of magnitudes; room for found[1] + n + 4, of which the last 4 become 0
//   found      i32[2], added to: how many are below low; how many out holds
//   w          f32[n], any alignment, not changed
//   n          >= 0
//   low, high  bits of magnitudes, low <= |w| < high; NaN comes after Infinity
//   table      scratch of 256 bytes
//
// Four at a time: the lanes within the range are moved together by a shuffle looked up by their mask.
export function f32_magnitudes_between(
  out: usize, found: usize, w: usize, n: i32, low: i32, high: i32, table: usize,
): void {
  assert(n >= 0 && low <= high);
  fill_table(table);
  const magnitude_i32x4 = kept(i32x4.splat(MAGNITUDE), n);
  const low_i32x4 = i32x4.splat(low);
  const high_i32x4 = i32x4.splat(high);
  const first = out;
  out += (<usize>load<i32>(found, 4)) << 2;
  let below_i32x4 = i32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const bits_i32x4 = v128.and(v128.load(w), magnitude_i32x4);
    const below = i32x4.lt_s(bits_i32x4, low_i32x4);
    const inside = i32x4.bitmask(v128.andnot(i32x4.lt_s(bits_i32x4, high_i32x4), below));
    below_i32x4 = i32x4.sub(below_i32x4, below);
    v128.store(out, gather16(bits_i32x4, v128.load(table + ((<usize>inside) << 4))));
    out += (<usize>popcnt(inside)) << 2;
    w += 16;
  }
  let below = sum4(below_i32x4);
  for (; i < n; ++i) {
    const bits = magnitude_bits(w);
    if (bits < low) below += 1;
    else if (bits < high) {
      store<i32>(out, bits);
      out += 4;
    }
    w += 4;
  }
  v128.store(out, i32x4.splat(0));
  store<i32>(found, load<i32>(found) + below);
  store<i32>(found, <i32>((out - first) >> 2), 4);
}

// Entry m: byte indices that bring the lanes of mask m to the front; the rest repeats lane 0.
function fill_table(table: usize): void {
  for (let mask = 0; mask < 16; ++mask) {
    v128.store(table, i32x4.splat(0x03020100));
    let at = table;
    for (let lane = 0; lane < 4; ++lane) {
      if (!((mask >> lane) & 1)) continue;
      store<i32>(at, 0x03020100 + lane * 0x04040404);
      at += 4;
    }
    table += 16;
  }
}

import { magnitude_bits } from "./lanes";

// f32_kth_magnitude: the exact k-th smallest magnitude, in linear time.
//
//   found      i32[2], written: the bits of that magnitude; how many weights are strictly below it
//   w          f32[n], not changed
//   n          > 0
//   k          1 to n
//   bins       scratch i32[2048]
//
// Radix selection on the bits without the sign: their order is that of the magnitudes. A histogram of
// the upper 11 bits, then of the next 10 and of the last 10 among those that agree with the bin found.
// NaN comes after Infinity, so bits above 0x7f800000 say that fewer than k weights are not NaN.
export function f32_kth_magnitude(found: usize, w: usize, n: i32, k: i32, bins: usize): void {
  assert(k >= 1 && k <= n);
  const end = w + ((<usize>n) << 2);
  let prefix = 0;
  let below = 0;
  let width = 11;
  for (let shift = 20; shift >= 0; shift -= 10) {
    memory.fill(bins, 0, (<usize>1 << width) << 2);
    const mask = (1 << width) - 1;
    for (let p = w; p < end; p += 4) {
      const bits = magnitude_bits(p) >> shift;
      // In the first round both sides are 0: only 31 bits are left.
      if (bits >> width != prefix) continue;
      const bin = bins + ((<usize>(bits & mask)) << 2);
      store<i32>(bin, load<i32>(bin) + 1);
    }
    let bin = 0;
    for (;;) {
      const count = load<i32>(bins + ((<usize>bin) << 2));
      if (below + count >= k) break;
      below += count;
      ++bin;
    }
    prefix = (prefix << width) | bin;
    width = 10;
  }
  store<i32>(found, prefix);
  store<i32>(found, below, 4);
}

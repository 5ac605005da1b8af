// What the f32 kernels share: copies of words, rows whose last vector is short, bounds.

// Copies n words of 4 bytes; y and x do not overlap.
export function copy_words(y: usize, x: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(y, v128.load(x));
    y += 16;
    x += 16;
  }
  for (; i < n; ++i) {
    store<i32>(y, load<i32>(x));
    y += 4;
    x += 4;
  }
}

// The same number n times. Returns the address after them.
export function fill_words(y: usize, n: i32, value: f32): usize {
  const end = y + (<usize>n << 2);
  for (; y < end; y += 4) store<f32>(y, value);
  return end;
}

// Stores the first n lanes; all four for more than four, none for n <= 0. A function, for kernels that do little
// else: in f32_conv2d a call costs a sixth of the time, as everything goes from registers to the stack.
export function store_lanes(y: usize, value_f32x4: v128, n: i32): void {
  store_lanes_here(y, value_f32x4, n);
}

// The same, inlined.
// @ts-ignore: decorator
@inline
export function store_lanes_here(y: usize, value_f32x4: v128, n: i32): void {
  if (n >= 4) {
    v128.store(y, value_f32x4);
    return;
  }
  if (n > 0) v128.store32_lane(y, value_f32x4, 0);
  if (n > 1) v128.store32_lane(y, value_f32x4, 1, 4);
  if (n > 2) v128.store32_lane(y, value_f32x4, 2, 8);
}

// In this operand order NaN is kept, and infinite bounds change nothing.
// @ts-ignore: decorator
@inline
export function clamp4(x_f32x4: v128, low_f32x4: v128, high_f32x4: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x_f32x4, low_f32x4), high_f32x4);
}

// Address of the place [x, y] of a pixel; past the last one it is the last again, so that a tile of four
// pixels needs no tail: it computes the same numbers twice.
// @ts-ignore: decorator
@inline
export function place_of(places: usize, pixel: i32, m: i32): usize {
  return places + ((<usize>min(pixel, m - 1)) << 3);
}

import { clamp4, store_lanes } from "./words";

// f32_arithmetic: y = fn(a, b), bounded.
//
//   y          f32[rows][n], may be a
//   a          f32[rows][n]; readable to 3 words past its end, and so is b
//   b          rows that lie b_row words apart (0: the same for all), of n numbers, or of one if b_one
//   rows, n    >= 0
//   fn         add, subtract, multiply, divide, maximum, minimum, equal, greater, greaterEqual, mask;
//              16 more: of b and a
//   low, high  bounds of the results, infinite for none
//
// maximum and minimum give a where the comparison fails, NaN included; comparisons give 1 or 0; mask gives the
// bits of a where b is not 0, else 0. Same bits in every binary.
export function f32_arithmetic(
  y: usize,
  a: usize,
  b: usize,
  rows: i32,
  n: i32,
  b_row: i32,
  b_one: i32,
  fn: i32,
  low: f32,
  high: f32,
): void {
  const low_f32x4 = f32x4.splat(low);
  const high_f32x4 = f32x4.splat(high);
  for (let row = 0; row < rows; ++row) {
    for (let i = 0; i < n; i += 4) {
      const at = <usize>i << 2;
      const b_f32x4 = b_one ? v128.load32_splat(b) : v128.load(b + at);
      store_lanes(y + at, clamp4(apply(v128.load(a + at), b_f32x4, fn), low_f32x4, high_f32x4), n - i);
    }
    y += <usize>n << 2;
    a += <usize>n << 2;
    b += <usize>b_row << 2;
  }
}

function apply(a: v128, b: v128, fn: i32): v128 {
  if (fn & 16) {
    const other = a;
    a = b;
    b = other;
  }
  const one = f32x4.splat(1);
  switch (fn & 15) {
    case 0:
      return f32x4.add(a, b);
    case 1:
      return f32x4.sub(a, b);
    case 2:
      return f32x4.mul(a, b);
    case 3:
      return f32x4.div(a, b);
    case 4:
      return f32x4.pmax(a, b);
    case 5:
      return f32x4.pmin(a, b);
    case 6:
      return v128.and(f32x4.eq(a, b), one);
    case 7:
      return v128.and(f32x4.gt(a, b), one);
    case 8:
      return v128.and(f32x4.ge(a, b), one);
    default:
      return v128.and(a, f32x4.ne(b, f32x4.splat(0)));
  }
}

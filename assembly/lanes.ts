// What the weight kernels share: sums over lanes and the bits of a magnitude.

// Clears the sign: the bits of a magnitude order like the magnitude itself, NaN after Infinity.
export const MAGNITUDE: i32 = 0x7fffffff;
export const INFINITY_BITS: i32 = 0x7f800000;

// @ts-ignore: decorator
@inline
export function sum4(x_i32x4: v128): i32 {
  return (
    i32x4.extract_lane(x_i32x4, 0) +
    i32x4.extract_lane(x_i32x4, 1) +
    i32x4.extract_lane(x_i32x4, 2) +
    i32x4.extract_lane(x_i32x4, 3)
  );
}

// @ts-ignore: decorator
@inline
export function magnitude_bits(p: usize): i32 {
  return load<i32>(p) & MAGNITUDE;
}

// A constant in a form that V8 keeps in a register over a loop; a plain one it makes anew at every use.
// n >= 0, which only the caller knows, so that adding its sign bits changes nothing.
// @ts-ignore: decorator
@inline
export function kept(constant: v128, n: i32): v128 {
  return v128.or(constant, i32x4.splat(n >> 31));
}

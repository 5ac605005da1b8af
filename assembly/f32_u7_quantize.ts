import { narrow16, requantize_shift } from "./simd";

const LOWEST: f32 = -4194304.0;

// f32_u7_quantize: q = clamp(rne(x * inverse) + zero, 0, 127).
//
//   q          u7[n]
//   x          f32[n]; NaN becomes the code of the lowest real number
//   n          >= 0
//   inverse    1 / scale, positive
//   zero       the code of real 0, in [0, 127]
//
// Rounds half to even, saturates. The product, not a quotient, is the contract.
export function f32_u7_quantize(q: usize, x: usize, n: i32, inverse: f32, zero: i32): void {
  const shift = requantize_shift(zero);
  const inverse_f32x4 = f32x4.splat(inverse);
  const low = i8x16.splat(0);
  const high = i8x16.splat(127);
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    v128.store(
      q,
      narrow16(
        code4(v128.load(x), inverse_f32x4, shift),
        code4(v128.load(x, 16), inverse_f32x4, shift),
        code4(v128.load(x, 32), inverse_f32x4, shift),
        code4(v128.load(x, 48), inverse_f32x4, shift),
        low,
        high,
      ),
    );
    x += 64;
    q += 16;
  }
  for (; i < n; ++i) {
    const code = code4(v128.load32_splat(x), inverse_f32x4, shift);
    v128.store8_lane(q, narrow16(code, code, code, code, low, high), 0);
    x += 4;
    q += 1;
  }
}

// pmax keeps its first operand where the second is NaN.
// @ts-ignore: decorator
@inline
function code4(x_f32x4: v128, inverse_f32x4: v128, shift_i32x4: v128): v128 {
  const real_f32x4 = f32x4.pmax(f32x4.splat(LOWEST), f32x4.mul(x_f32x4, inverse_f32x4));
  return i32x4.add(f32x4.add(real_f32x4, f32x4.splat(12582912.0)), shift_i32x4);
}

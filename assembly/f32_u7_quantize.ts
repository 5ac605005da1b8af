import { ROUND_BITS, narrow16 } from "./simd";

// f32_u7_quantize: q = clamp(rne(x * inverse) + zero, 0, 127).
//
//   q          u7[n], written to whole groups of 16
//   x          f32[n], readable to whole groups of 16; NaN becomes the code of the lowest real number
//   n          >= 0
//   inverse    1 / scale, positive
//   zero       the code of real 0, in [0, 127]
//
// Rounds half to even, saturates. The product, not a quotient, is the contract.
export function f32_u7_quantize(q: usize, x: usize, n: i32, inverse: f32, zero: i32): void {
  const m = f32x4.splat(inverse);
  const low = f32x4.splat(<f32>-zero);
  const round = f32x4.splat(reinterpret<f32>(ROUND_BITS));
  const shift = i32x4.splat(zero - ROUND_BITS);
  for (const end = q + n; q < end; q += 16) {
    v128.store(
      q,
      narrow16(
        code_of(f32x4.mul(v128.load(x), m), low, round, shift),
        code_of(f32x4.mul(v128.load(x, 16), m), low, round, shift),
        code_of(f32x4.mul(v128.load(x, 32), m), low, round, shift),
        code_of(f32x4.mul(v128.load(x, 48), m), low, round, shift),
      ),
    );
    x += 64;
  }
}

// As simd.ts' code4, after a maximum of numbers: NaN becomes the lowest (pmax keeps its first operand).
// @ts-ignore: decorator
@inline
export function code_of(real_f32x4: v128, low_f32x4: v128, round_f32x4: v128, shift_i32x4: v128): v128 {
  return i32x4.add(f32x4.add(f32x4.pmax(low_f32x4, real_f32x4), round_f32x4), shift_i32x4);
}

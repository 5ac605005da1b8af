import { code_of } from "./f32_u7_quantize";
import { narrow16, ROUND_BITS } from "./simd";

// f32_u7_halves: q[.., c] and q[.., n + c] are the codes of x[.., c] * scale + shift and of x[.., c] * scale - shift:
// rows of two planes that add up to 8 bits (see src/compress/two-planes.ts).
//
//   q          u7[m][2 n], written up to 30 bytes past the last
//   x          f32[m][n], readable to 60 bytes past the last; NaN becomes the code of the lowest real number
//   lanes      u8[2][2][16], where in the codes of four rows the bytes of 32 come from, of the first and of the second
//              plane; 255 where from the other
//   m          >= 0
//   n          channels, 1 to 4
//   scale      of x to codes, over the step of q
//   shift      in codes
//   zero       the code of real 0, in [0, 127]
//
// Rounds half to even, saturates.
export function f32_u7_halves(
  q: usize,
  x: usize,
  lanes: usize,
  m: i32,
  n: i32,
  scale: f32,
  shift: f32,
  zero: i32,
): void {
  const low = f32x4.splat(<f32>-zero);
  const round = f32x4.splat(reinterpret<f32>(ROUND_BITS));
  const bits = i32x4.splat(zero - ROUND_BITS);
  const scale_f32x4 = f32x4.splat(scale);
  for (let row = 0; row < m; row += 4) {
    let y0 = i8x16.splat(0);
    let y1 = y0;
    let shift_f32x4 = f32x4.splat(shift);
    for (let plane = lanes; plane < lanes + 64; plane += 32) {
      const codes = narrow16(
        code_of(f32x4.add(f32x4.mul(v128.load(x), scale_f32x4), shift_f32x4), low, round, bits),
        code_of(f32x4.add(f32x4.mul(v128.load(x, 16), scale_f32x4), shift_f32x4), low, round, bits),
        code_of(f32x4.add(f32x4.mul(v128.load(x, 32), scale_f32x4), shift_f32x4), low, round, bits),
        code_of(f32x4.add(f32x4.mul(v128.load(x, 48), scale_f32x4), shift_f32x4), low, round, bits),
      );
      y0 = v128.or(y0, i8x16.swizzle(codes, v128.load(plane)));
      y1 = v128.or(y1, i8x16.swizzle(codes, v128.load(plane, 16)));
      shift_f32x4 = f32x4.neg(shift_f32x4);
    }
    v128.store(q, y0);
    v128.store(q, y1, 16);
    x += n << 4;
    q += n << 3;
  }
}

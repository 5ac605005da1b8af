// IEEE 754 binary16 to and from f32. Widening is exact; narrowing rounds to nearest, ties to even, as NumPy does.

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** The f32 that the 16 bits of a half stand for; every half, NaN payload aside, is exact. */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The 16 bits of the half nearest to an f32, ties to even; beyond 65,519.99 it is an infinity. */
export function floatToHalf(value: number): number {
  f32[0] = value;
  const bits = u32[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
  if (magnitude < 0x38800000) {
    // Below 2^-14 the halves are multiples of 2^-24. Adding 0.5 to |x| puts that step at the f32's last
    // bit (0.5 has a ulp of 2^-24), so the f32 addition itself does the rounding to even.
    f32[0] = Math.abs(f32[0]) + 0.5;
    return sign | (u32[0] - 0x3f000000);
  }
  // Drop 13 fraction bits, adding just under half a unit, plus one where the kept last bit is odd.
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

// exp, log1p and what is made of them, in f32 lanes. No relaxed instruction and a stated order of
// operations, so every binary and the TypeScript reference give the same bits. Math.exp would not:
// it differs between engines. Functions, not inlined ones: a call is little beside them, and ten copies of
// exp4 were 4 KB of the binary.

const ROUND: f32 = 12582912.0; // 1.5 * 2^23, see simd.ts
const ROUND_BITS: i32 = 0x4b400000;

// e^x, relative error below 2e-7; saturates at e^-87.3 and e^88.3, NaN stays NaN.
// Cephes expf: x = n ln 2 + r, a polynomial of degree 5 for r, 2^n put into the exponent.
export function exp4(x_f32x4: v128): v128 {
  // In this operand order pmax and pmin keep a NaN.
  const x = f32x4.pmin(f32x4.pmax(x_f32x4, f32x4.splat(-87.3)), f32x4.splat(88.3));
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269504088896341)), f32x4.splat(ROUND));
  const n = f32x4.sub(shifted, f32x4.splat(ROUND));
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.add(f32x4.mul(f32x4.splat(1.9875691500e-4), r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  const y = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1));
  return f32x4.mul(y, i32x4.shl(i32x4.add(shifted, i32x4.splat(127 - ROUND_BITS)), 23));
}

// log(1 + t) for t in [0, 1], absolute error below 1e-7: 2 atanh(s), s = t / (2 + t) <= 1/3.
export function log1p4(t: v128): v128 {
  const s = f32x4.div(t, f32x4.add(f32x4.splat(2), t));
  const q = f32x4.mul(s, s);
  let p = f32x4.add(f32x4.mul(f32x4.splat(0.0769230769), q), f32x4.splat(0.0909090909));
  p = f32x4.add(f32x4.mul(p, q), f32x4.splat(0.1111111111));
  p = f32x4.add(f32x4.mul(p, q), f32x4.splat(0.1428571429));
  p = f32x4.add(f32x4.mul(p, q), f32x4.splat(0.2));
  p = f32x4.add(f32x4.mul(p, q), f32x4.splat(0.3333333333));
  p = f32x4.add(f32x4.mul(p, q), f32x4.splat(1));
  return f32x4.mul(f32x4.add(s, s), p);
}

// log(x) for any x: of 0 -Infinity, of negative numbers NaN, of those below 2^-126 as of 2^-126. With the mantissa
// in [0.7, 1.4) nothing cancels near 1, where log4 has an absolute error alone.
export function ln4(x_f32x4: v128): v128 {
  const x = f32x4.pmax(x_f32x4, f32x4.splat(1.1754943508222875e-38));
  const n = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const m = i32x4.sub(x, i32x4.shl(n, 23));
  const y = f32x4.add(
    f32x4.mul(f32x4.convert_i32x4_s(n), f32x4.splat(0.69314718056)),
    log1p4(f32x4.sub(m, f32x4.splat(1))),
  );
  const zero = f32x4.splat(0);
  const odd = v128.bitselect(f32x4.splat(-Infinity), f32x4.splat(NaN), f32x4.eq(x_f32x4, zero));
  const fine = v128.bitselect(x_f32x4, y, f32x4.eq(x_f32x4, f32x4.splat(Infinity)));
  return v128.bitselect(fine, odd, f32x4.gt(x_f32x4, zero));
}

// log(x) for normal x >= 1.
export function log4(x: v128): v128 {
  const n = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_s(x, 23), i32x4.splat(127)));
  const m = v128.or(v128.and(x, i32x4.splat(0x007fffff)), i32x4.splat(0x3f800000));
  return f32x4.add(f32x4.mul(n, f32x4.splat(0.69314718056)), log1p4(f32x4.sub(m, f32x4.splat(1))));
}

export function sigmoid4(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))));
}

export function tanh4(x: v128): v128 {
  const t = exp4(f32x4.mul(f32x4.abs(x), f32x4.splat(-2)));
  const y = f32x4.div(f32x4.sub(f32x4.splat(1), t), f32x4.add(f32x4.splat(1), t));
  return v128.bitselect(x, y, i32x4.splat(0x80000000));
}

// log(1 + e^x)
export function softplus4(x: v128): v128 {
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), log1p4(exp4(f32x4.neg(f32x4.abs(x)))));
}

// erf by Abramowitz and Stegun 7.1.26, as tfjs has it; absolute error 1.5e-7.
export function erf4(x: v128): v128 {
  const a = f32x4.abs(x);
  const t = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), f32x4.mul(f32x4.splat(0.3275911), a)));
  let p = f32x4.add(f32x4.mul(f32x4.splat(1.061405429), t), f32x4.splat(-1.453152027));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.421413741));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(-0.284496736));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.254829592));
  const y = f32x4.sub(f32x4.splat(1), f32x4.mul(f32x4.mul(p, t), exp4(f32x4.neg(f32x4.mul(a, a)))));
  return v128.bitselect(x, y, i32x4.splat(0x80000000));
}

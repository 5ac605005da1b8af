import { erf4, exp4, ln4, sigmoid4, softplus4, tanh4 } from "./math";

// f32_unary: y[i] = fn(x[i]).
//
//   y          f32[n], may be x
//   x          f32[n]
//   n          >= 0
//   fn         the function's number: its place in src/graph/ops/unary-functions.ts
//   a          its number: the bound of relu (infinite for none), alpha, theta, slope
//
// Same bits in every binary; absolute error below 2e-7 of the larger of |y| and 1, for exp below 2e-7 of y.
export function f32_unary(y: usize, x: usize, n: i32, fn: i32, a: f32): void {
  const a_f32x4 = f32x4.splat(a);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(y, apply(v128.load(x), fn, a_f32x4));
    x += 16;
    y += 16;
  }
  for (; i < n; ++i) {
    v128.store32_lane(y, apply(v128.load32_splat(x), fn, a_f32x4), 0);
    x += 4;
    y += 4;
  }
}

// Comparisons select: bitselect keeps x where x is NaN unless the function says otherwise.
function apply(x: v128, fn: i32, a: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  switch (fn) {
    case 1: // relu, bounded by a
      return f32x4.pmin(f32x4.pmax(x, zero), a);
    case 2: // relu6
      return f32x4.pmin(f32x4.pmax(x, zero), f32x4.splat(6));
    case 3: // leakyRelu
      return v128.bitselect(f32x4.mul(a, x), x, f32x4.lt(x, zero));
    case 4: // thresholdedRelu
      return v128.and(x, f32x4.gt(x, a));
    case 5: // elu
      return v128.bitselect(f32x4.mul(a, f32x4.sub(exp4(x), one)), x, f32x4.lt(x, zero));
    case 6: { // selu, Klambauer et al. 2017
      const negative = f32x4.mul(f32x4.splat(1.7580993408473768), f32x4.sub(exp4(x), one));
      return v128.bitselect(negative, f32x4.mul(f32x4.splat(1.0507009873554805), x), f32x4.lt(x, zero));
    }
    case 7:
      return sigmoid4(x);
    case 8: // hardSigmoid
      return f32x4.pmin(f32x4.pmax(f32x4.add(f32x4.mul(x, f32x4.splat(0.2)), f32x4.splat(0.5)), zero), one);
    case 9:
      return tanh4(x);
    case 10:
      return softplus4(x);
    case 11: // softsign
      return f32x4.div(x, f32x4.add(f32x4.abs(x), one));
    case 12: // swish
      return f32x4.mul(x, sigmoid4(x));
    case 13: // mish
      return f32x4.mul(x, tanh4(softplus4(x)));
    case 14: // gelu
      return f32x4.mul(f32x4.mul(f32x4.splat(0.5), x), f32x4.add(one, erf4(f32x4.mul(x, f32x4.splat(0.7071067811865476)))));
    case 15: { // geluNew
      const cube = f32x4.mul(f32x4.mul(x, x), x);
      const inner = f32x4.mul(f32x4.splat(0.7978845608028654), f32x4.add(x, f32x4.mul(f32x4.splat(0.044715), cube)));
      return f32x4.mul(f32x4.mul(f32x4.splat(0.5), x), f32x4.add(one, tanh4(inner)));
    }
    case 16:
      return f32x4.abs(x);
    case 17:
      return f32x4.ceil(x);
    case 18:
      return erf4(x);
    case 19:
      return exp4(x);
    case 20:
      return f32x4.floor(x);
    case 21:
      return ln4(x);
    case 22: // round, half to even
      return f32x4.nearest(x);
    case 23: // sign: masks are -1
      return f32x4.convert_i32x4_s(i32x4.sub(f32x4.lt(x, zero), f32x4.gt(x, zero)));
    case 24:
      return f32x4.sqrt(x);
    case 25:
      return f32x4.trunc(x);
    case 26: // hardSwish
      return f32x4.mul(x, f32x4.mul(f32x4.pmin(f32x4.pmax(f32x4.add(x, f32x4.splat(3)), zero), f32x4.splat(6)), a));
    default: // linear
      return x;
  }
}

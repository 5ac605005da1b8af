/**
 * assembly/math.ts in plain f32 steps: Math.fround after every operation, in the same order. Not
 * better mathematics than the kernels, the same: that is what makes their bits comparable.
 */

const f = Math.fround;
const ROUND = 12582912; // 1.5 * 2^23
const bits = new Int32Array(1);
const real = new Float32Array(bits.buffer);

// pmin and pmax of SIMD128: the first operand where the comparison fails, NaN included.
export const pmin = (a: number, b: number): number => (b < a ? b : a);
export const pmax = (a: number, b: number): number => (a < b ? b : a);

/** As every kernel with bounds has it: a NaN is kept, infinite bounds change nothing. */
export function bound(x: number, low: number, high: number): number {
  return pmin(pmax(x, f(low)), f(high));
}

const expCoefficients = [
  1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
].map(f);

export function exp(input: number): number {
  const x = pmin(pmax(input, f(-87.3)), f(88.3));
  const shifted = f(f(x * f(Math.LOG2E)) + ROUND);
  const n = f(shifted - ROUND);
  const r = f(f(x - f(n * f(0.693359375))) - f(n * f(-2.1219444e-4)));
  let p = f(1.98756915e-4);
  for (const c of expCoefficients) p = f(f(p * r) + c);
  const y = f(f(f(f(p * r) * r) + r) + 1);
  bits[0] = (n + 127) << 23;
  return f(y * real[0]);
}

const log1pCoefficients = [0.0909090909, 0.1111111111, 0.1428571429, 0.2, 0.3333333333, 1].map(f);

/** log(1 + t) for t in [0, 1]. */
export function log1p(t: number): number {
  const s = f(t / f(2 + t));
  const q = f(s * s);
  let p = f(0.0769230769);
  for (const c of log1pCoefficients) p = f(f(p * q) + c);
  return f(f(s + s) * p);
}

/** log(x) for normal x >= 1. */
export function log(x: number): number {
  real[0] = x;
  const n = (bits[0] >> 23) - 127;
  bits[0] = (bits[0] & 0x007fffff) | 0x3f800000;
  return f(f(n * f(Math.LN2)) + log1p(f(real[0] - 1)));
}

/** log(x) for any x, of those below 2^-126 as of 2^-126. */
export function ln(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  real[0] = pmax(x, 2 ** -126);
  const n = (bits[0] - 0x3f3504f3) >> 23;
  bits[0] -= n << 23;
  return f(f(n * f(Math.LN2)) + log1p(f(real[0] - 1)));
}

/** f32x4.nearest: half to even, and the sign of x where the result is 0. */
function nearest(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return withSignOf(x, up ? floor + 1 : floor);
}

const sigmoid = (x: number): number => f(1 / f(1 + exp(-x)));
const softplus = (x: number): number => f(pmax(x, 0) + log1p(exp(-Math.abs(x))));

function withSignOf(x: number, y: number): number {
  return x < 0 || Object.is(x, -0) ? -Math.abs(y) : Math.abs(y);
}

function tanh(x: number): number {
  const t = exp(f(Math.abs(x) * -2));
  return withSignOf(x, f(f(1 - t) / f(1 + t)));
}

const erfCoefficients = [-1.453152027, 1.421413741, -0.284496736, 0.254829592].map(f);

function erf(x: number): number {
  const a = Math.abs(x);
  const t = f(1 / f(1 + f(f(0.3275911) * a)));
  let p = f(1.061405429);
  for (const c of erfCoefficients) p = f(f(p * t) + c);
  return withSignOf(x, f(1 - f(f(p * t) * exp(-f(a * a)))));
}

/** By the number of the function: its place in src/graph/ops/unary-functions.ts. */
export const unary: readonly ((x: number, a: number) => number)[] = [
  (x) => x,
  (x, a) => pmin(pmax(x, 0), a),
  (x) => pmin(pmax(x, 0), 6),
  (x, a) => (x < 0 ? f(a * x) : x),
  (x, a) => (x > a ? x : 0),
  (x, a) => (x < 0 ? f(a * f(exp(x) - 1)) : x),
  (x) => (x < 0 ? f(f(1.7580993408473768) * f(exp(x) - 1)) : f(f(1.0507009873554805) * x)),
  sigmoid,
  (x) => pmin(pmax(f(f(x * f(0.2)) + 0.5), 0), 1),
  tanh,
  softplus,
  (x) => f(x / f(Math.abs(x) + 1)),
  (x) => f(x * sigmoid(x)),
  (x) => f(x * tanh(softplus(x))),
  (x) => f(f(0.5 * x) * f(1 + erf(f(x * f(Math.SQRT1_2))))),
  (x) => {
    const inner = f(f(0.7978845608028654) * f(x + f(f(0.044715) * f(f(x * x) * x))));
    return f(f(0.5 * x) * f(1 + tanh(inner)));
  },
  Math.abs,
  Math.ceil,
  erf,
  exp,
  Math.floor,
  ln,
  nearest,
  (x) => (x < 0 ? -1 : x > 0 ? 1 : 0),
  (x) => f(Math.sqrt(x)),
  Math.trunc,
  (x, a) => f(x * f(pmin(pmax(f(x + 3), 0), 6) * a)),
];

/**
 * Every unary activation: its numbers and its value in f64, in one table.
 *
 * The functions are tfjs' (its activations.ts and layers/advanced_activations.ts, 4.22). They are
 * what the tables of a `.pare` file are computed from, at compress time and never at run time.
 */

import { erf } from "./erf.js";

/** A number a function takes besides x. */
export interface UnaryNumber {
  /** Used where the node does not say; absent: without it that part of the function is off. */
  readonly default?: number;
  readonly wanted: string;
  valid(value: number): boolean;
}

export type UnaryNumbers = Readonly<Record<string, number>>;

interface Row {
  readonly numbers: Readonly<Record<string, UnaryNumber>>;
  readonly f: (x: number, numbers: UnaryNumbers) => number;
  readonly onlyF32?: true;
}

const finite = (initial?: number): UnaryNumber => ({
  ...(initial === undefined ? {} : { default: initial }),
  wanted: "a finite number",
  valid: Number.isFinite,
});

const notNegative: UnaryNumber = {
  wanted: "a finite number >= 0",
  valid: (value) => Number.isFinite(value) && value >= 0,
};

const plain = (f: (x: number) => number): Row => ({ numbers: {}, f });

/** Steep, stepped, or of some numbers only: 128 codes of its argument say too little of its value. */
const inF32 = (f: (x: number) => number): Row => ({ numbers: {}, f, onlyF32: true });

// tfjs-core/src/ops/selu_util.ts, from Klambauer et al., 2017.
const seluScaleAlpha = 1.7580993408473768;
const seluScale = 1.0507009873554805;

const relu = (x: number): number => Math.max(x, 0);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
// The usual log(1 + exp(x)) overflows from x = 710 on.
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const tanhCubic = (x: number): number => Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));

/** As f32x4.nearest and tfjs have it. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

const rows = {
  linear: plain((x) => x),
  relu: {
    numbers: { maxValue: notNegative },
    f: (x, { maxValue }) => Math.min(relu(x), maxValue ?? Infinity),
  },
  relu6: plain((x) => Math.min(relu(x), 6)),
  leakyRelu: { numbers: { alpha: finite(0.3) }, f: (x, { alpha }) => (x < 0 ? alpha * x : x) },
  thresholdedRelu: { numbers: { theta: finite(1) }, f: (x, { theta }) => (x > theta ? x : 0) },
  elu: { numbers: { alpha: finite(1) }, f: (x, { alpha }) => (x < 0 ? alpha * Math.expm1(x) : x) },
  selu: plain((x) => (x < 0 ? seluScaleAlpha * Math.expm1(x) : seluScale * x)),
  sigmoid: plain(sigmoid),
  hardSigmoid: plain((x) => Math.min(Math.max(0.2 * x + 0.5, 0), 1)),
  tanh: plain(Math.tanh),
  softplus: plain(softplus),
  softsign: plain((x) => x / (Math.abs(x) + 1)),
  swish: plain((x) => x * sigmoid(x)),
  mish: plain((x) => x * Math.tanh(softplus(x))),
  gelu: plain((x) => 0.5 * x * (1 + erf(x / Math.SQRT2))),
  geluNew: plain((x) => 0.5 * x * (1 + tanhCubic(x))),
  abs: plain(Math.abs),
  ceil: inF32(Math.ceil),
  erf: plain(erf),
  exp: inF32(Math.exp),
  floor: inF32(Math.floor),
  log: inF32(Math.log),
  round: inF32(roundHalfEven),
  sign: inF32((x) => Math.sign(x) || 0),
  sqrt: inF32(Math.sqrt),
  trunc: inF32(Math.trunc),
  hardSwish: {
    // Of weights in float16 it is near a sixth, no more.
    numbers: { slope: finite(1 / 6) },
    f: (x, { slope }) => x * Math.min(relu(x + 3), 6) * slope,
  },
} satisfies Readonly<Record<string, Row>>;

/** A unary activation, by the name that `unary.fn` and `dense.activation` give it. */
export type UnaryFunctionName = keyof typeof rows;

const table: Readonly<Record<UnaryFunctionName, Row>> = rows;

export const unaryFunctionNames = Object.keys(table) as readonly UnaryFunctionName[];

/** Whether a table of 128 codes stands for the function in integers; the others are computed in f32 alone. */
export function hasIntegerForm(fn: UnaryFunctionName): boolean {
  return !table[fn].onlyF32;
}

// hasOwn, not in: "constructor" is no activation.
export function isUnaryFunctionName(name: unknown): name is UnaryFunctionName {
  return typeof name === "string" && Object.hasOwn(table, name);
}

/** The numbers a function takes, by name: leakyRelu has alpha. */
export function unaryNumberRules(fn: UnaryFunctionName): Readonly<Record<string, UnaryNumber>> {
  return table[fn].numbers;
}

/**
 * The numbers of a function out of a node's attributes, defaults filled in.
 *
 * @param attrs attributes of a `unary` or `dense` node
 */
export function unaryNumbers(fn: UnaryFunctionName, attrs: Readonly<Record<string, unknown>>): UnaryNumbers {
  const numbers: Record<string, number> = {};
  for (const [name, rule] of Object.entries(table[fn].numbers)) {
    const value = Object.hasOwn(attrs, name) ? attrs[name] : rule.default;
    if (typeof value === "number") numbers[name] = value;
  }
  return numbers;
}

/** `unaryFunctions[fn](x, numbers)` in f64; numbers that are left out have their defaults. */
export const unaryFunctions = Object.fromEntries(
  unaryFunctionNames.map((fn) => [
    fn,
    (x: number, numbers: UnaryNumbers = {}) => table[fn].f(x, unaryNumbers(fn, numbers)),
  ]),
) as Readonly<Record<UnaryFunctionName, (x: number, numbers?: UnaryNumbers) => number>>;

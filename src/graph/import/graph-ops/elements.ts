/** Activations, arithmetic, comparisons: a number for each number, or for two. */

import { UnsupportedError } from "../../errors.js";
import type { UnaryFunctionName } from "../../ops/unary-functions.js";
import type { Attributes } from "../graph-def.js";
import { apply, asView, combine, expand, number, rankOf } from "./compute.js";
import {
  type Constant,
  type Context,
  type GraphRule,
  type GraphRules,
  type Operand,
  weightOf,
} from "./constant.js";
import { foldBinary, foldUnary } from "./fold.js";
import { addOp, beside, type View } from "./view.js";

type Fn = UnaryFunctionName;

/** Those that a product may have fused to it. */
const activations: Readonly<Record<string, Fn>> = {
  Elu: "elu",
  Relu: "relu",
  Relu6: "relu6",
  Selu: "selu",
  Sigmoid: "sigmoid",
  Softplus: "softplus",
  Softsign: "softsign",
  Tanh: "tanh",
};

interface Activation {
  readonly fn: Fn;
  readonly numbers: Readonly<Record<string, number>>;
}

/** The unary function that an op, alone or fused, stands for; undefined if it is none. */
export function activationOf(op: string, attrs: Attributes): Activation | undefined {
  // Fused, the number goes by another name.
  if (op === "LeakyRelu")
    return {
      fn: "leakyRelu",
      numbers: { alpha: attrs.number("alpha", attrs.number("leakyrelu_alpha", 0.2)) },
    };
  return Object.hasOwn(activations, op) ? { fn: activations[op], numbers: {} } : undefined;
}

const functions: Readonly<Record<string, Fn>> = {
  ...activations,
  Abs: "abs",
  Ceil: "ceil",
  Erf: "erf",
  Exp: "exp",
  Floor: "floor",
  Log: "log",
  Round: "round",
  Sign: "sign",
  Sqrt: "sqrt",
};

type One = (context: Context, x: Operand) => Operand;
type Two = (context: Context, a: Operand, b: Operand) => Operand;

const one = (compute: One): GraphRule => ({
  inputs: { min: 1, max: 1 },
  add: (context) => [compute(context, context.operands[0])],
});

const two = (compute: Two): GraphRule => ({
  inputs: { min: 2, max: 2 },
  add: (context) => [compute(context, context.operands[0], context.operands[1])],
});

const ones: Readonly<Record<string, One>> = {
  LeakyRelu: (context, x) =>
    apply(context, "leakyRelu", x, undefined, activationOf("LeakyRelu", context.attrs)?.numbers),
  Acosh: (context, x) => {
    const below = combine(context, "add", combine(context, "multiply", x, x, "square"), number(-1), "below");
    return apply(context, "log", combine(context, "add", x, apply(context, "sqrt", below, "root"), "sum"));
  },
  Asinh: (context, x) => {
    const above = combine(context, "add", combine(context, "multiply", x, x, "square"), number(1), "above");
    const sum = combine(
      context,
      "add",
      apply(context, "abs", x, "abs"),
      apply(context, "sqrt", above, "root"),
      "sum",
    );
    return combine(context, "multiply", apply(context, "log", sum, "log"), apply(context, "sign", x, "sign"));
  },
  Atanh: (context, x) => {
    const [above, below] = ["add", "subtract"].map((op) => combine(context, op, number(1), x, op));
    const log = apply(context, "log", combine(context, "divide", above, below, "ratio"), "log");
    return combine(context, "multiply", log, number(0.5));
  },
  Cosh: (context, x) => hyperbolic(context, x, "add"),
  Expm1: (context, x) => combine(context, "add", apply(context, "exp", x, "exp"), number(-1)),
  IsFinite: (context, x) => combine(context, "equal", combine(context, "subtract", x, x, "zero"), number(0)),
  IsInf: (context, x) =>
    combine(context, "greater", apply(context, "abs", x, "abs"), number(3.4028234663852886e38)),
  IsNan: (context, x) => not(context, combine(context, "equal", x, x, "same")),
  Inv: (context, x) => combine(context, "divide", number(1), x),
  Log1p: (context, x) => apply(context, "log", combine(context, "add", x, number(1), "above")),
  LogicalNot: not,
  Neg: (context, x) => combine(context, "multiply", x, number(-1)),
  OnesLike: (context, x) =>
    combine(context, "add", combine(context, "mask", x, number(0), "zeros"), number(1)),
  Reciprocal: (context, x) => combine(context, "divide", number(1), x),
  Rsqrt: (context, x) => combine(context, "divide", number(1), apply(context, "sqrt", x, "root")),
  Sinh: (context, x) => hyperbolic(context, x, "subtract"),
  Square: (context, x) => combine(context, "multiply", x, x),
  ZerosLike: (context, x) => combine(context, "mask", x, number(0)),
};

/** Of numbers that are known, such as those of a position. */
const known: Readonly<Record<string, (x: number) => number>> = {
  Acos: Math.acos,
  Asin: Math.asin,
  Atan: Math.atan,
  Cos: Math.cos,
  Sin: Math.sin,
  Tan: Math.tan,
};

const ofConstants = (f: (x: number) => number): GraphRule => ({
  inputs: { min: 1, max: 1 },
  ofConstants: true,
  add: ({ name, operands }) => [foldUnary(name, f, operands[0].constant as Constant)],
});

function hyperbolic(context: Context, x: Operand, op: string): Operand {
  const grown = apply(context, "exp", x, "exp");
  const both = combine(context, op, grown, combine(context, "divide", number(1), grown, "inverse"), "both");
  return combine(context, "multiply", both, number(0.5));
}

/** 1 where x is 0, and 0 elsewhere. */
export function not(context: Context, x: Operand, part?: string): Operand {
  return combine(context, "equal", x, number(0), part);
}

/** The left where the condition is not 0, else the right: no sum of products, which would spread a NaN. */
export function select(context: Context, condition: Operand, left: Operand, right: Operand): Operand {
  const kept = combine(context, "mask", left, condition, "left");
  const other = combine(context, "mask", right, not(context, condition, "not"), "right");
  return combine(context, "add", kept, other);
}

const isInteger = ({ attrs }: Context, a: Operand, b: Operand): boolean =>
  attrs.type("T") === "DT_INT32" || (a.constant?.isFloat === false && b.constant?.isFloat === false);

function quotient(context: Context, a: Operand, b: Operand): Operand {
  return isInteger(context, a, b) ? floorQuotient(context, a, b) : combine(context, "divide", a, b);
}

function floorQuotient(context: Context, a: Operand, b: Operand, part?: string): Operand {
  const name = part === undefined ? context.name : `${context.name}/${part}`;
  if (a.constant && b.constant) return foldBinary(name, "floorDivide", a.constant, b.constant);
  return apply(context, "floor", combine(context, "divide", a, b, "quotient"), part);
}

/** What is left of a division, of the sign of the divisor. */
function modulo(context: Context, a: Operand, b: Operand): Operand {
  const whole = floorQuotient(context, a, b, "whole");
  return combine(context, "subtract", a, combine(context, "multiply", whole, b, "product"));
}

const mostFactors = 64;

/** Whole powers are products, others exp(b log a), with the sign of an odd power of a negative number. */
function power(context: Context, a: Operand, b: Operand): Operand {
  if (a.constant && b.constant) return foldBinary(context.name, "power", a.constant, b.constant);
  const exponents = b.constant ? new Set(Array.from(b.constant.data)) : undefined;
  const [exponent] = exponents?.size === 1 ? exponents : [Number.NaN];
  if (exponent === 0.5) return apply(context, "sqrt", a);
  if (exponent === -0.5) return combine(context, "divide", number(1), apply(context, "sqrt", a, "root"));
  if (Number.isInteger(exponent) && Math.abs(exponent) <= mostFactors)
    return wholePower(context, a, exponent);
  const isPositive = a.constant && Array.from(a.constant.data).every((value) => value > 0);
  const isFraction = exponents && [...exponents].every((value) => !Number.isInteger(value));
  // Of a negative number a fraction has no power: its logarithm is no number either.
  const base = isPositive || isFraction ? a : apply(context, "abs", a, "abs");
  const log = apply(context, "log", base, "log");
  const grown = (part?: string) =>
    apply(context, "exp", combine(context, "multiply", log, b, "product"), part);
  if (base === a) return grown();
  const isOdd = modulo({ ...context, name: `${context.name}/odd` }, b, number(2));
  const isNegative = combine(context, "greater", number(0), a, "negative");
  const twice = combine(
    context,
    "multiply",
    combine(context, "multiply", isOdd, isNegative, "turns"),
    number(-2),
    "twice",
  );
  return combine(context, "multiply", grown("size"), combine(context, "add", twice, number(1), "sign"));
}

function wholePower(context: Context, a: Operand, exponent: number): Operand {
  let count = Math.abs(exponent);
  let square = a;
  let product: Operand | undefined;
  for (let i = 0; count > 0; i++) {
    if (count % 2 === 1)
      product = product ? combine(context, "multiply", product, square, `product${i}`) : square;
    count = Math.floor(count / 2);
    if (count > 0) square = combine(context, "multiply", square, square, `square${i}`);
  }
  if (!product) return combine(context, "add", combine(context, "mask", a, number(0), "zeros"), number(1));
  return exponent < 0 ? combine(context, "divide", number(1), product) : product;
}

const plain =
  (op: string): Two =>
  (context, a, b) =>
    combine(context, op, a, b);
const turned =
  (op: string): Two =>
  (context, a, b) =>
    combine(context, op, b, a);

const twos: Readonly<Record<string, Two>> = {
  Add: plain("add"),
  AddV2: plain("add"),
  Div: quotient,
  DivNoNan: (context, a, b) => combine(context, "mask", combine(context, "divide", a, b, "quotient"), b),
  Equal: plain("equal"),
  FloorDiv: (context, a, b) => floorQuotient(context, a, b),
  FloorMod: modulo,
  Greater: plain("greater"),
  GreaterEqual: plain("greaterEqual"),
  Less: turned("greater"),
  LessEqual: turned("greaterEqual"),
  LogicalAnd: plain("minimum"),
  LogicalOr: plain("maximum"),
  Maximum: plain("maximum"),
  Minimum: plain("minimum"),
  Mod: modulo,
  Mul: plain("multiply"),
  NotEqual: (context, a, b) => not(context, combine(context, "equal", a, b, "equal")),
  Pow: power,
  RealDiv: quotient,
  SquaredDifference(context, a, b) {
    const difference = combine(context, "subtract", a, b, "difference");
    return combine(context, "multiply", difference, difference);
  },
  Sub: plain("subtract"),
};

/** A bias lies along the channels, wherever they are. */
const biasAdd: GraphRule = two((context, x, bias) => {
  const isFirst = context.attrs.text("data_format", "NHWC").startsWith("NC");
  let along = bias;
  for (let i = rankOf(context, x); isFirst && i > 2; i--) along = expand(context, along, 1, "bias");
  return combine(context, "add", x, along);
});

const addAll: GraphRule = {
  inputs: { min: 1, max: Number.POSITIVE_INFINITY },
  add(context) {
    const last = context.operands.length - 1;
    return [
      context.operands.reduce((sum, operand, i) =>
        combine(context, "add", sum, operand, i === last ? undefined : `${i}`),
      ),
    ];
  },
};

/** Slopes that are known are those of a prelu. */
export function addPrelu(context: Context, x: Operand, alpha: Operand): Operand {
  if (x.constant || !alpha.constant) {
    const below = combine(context, "minimum", x, number(0), "below");
    const slope = combine(context, "multiply", below, alpha, "slope");
    return combine(context, "add", apply(context, "relu", x, "above"), slope);
  }
  const { view, constant } = beside(context, asView(context, x), alpha.constant);
  const rank = context.builder.shapeOf(view.value).length;
  const shape = [...new Array<number>(rank - 1 - constant.shape.length).fill(1), ...constant.shape];
  const weights = { alpha: weightOf(context, constant, shape) };
  return { value: addOp(context, "prelu", [view.value], { weights }), order: view.order } satisfies View;
}

const clip: GraphRule = {
  inputs: { min: 3, max: 3 },
  add(context) {
    const [x, low, high] = context.operands;
    return [combine(context, "minimum", combine(context, "maximum", x, low, "above"), high)];
  },
};

const selectRule: GraphRule = {
  inputs: { min: 3, max: 3 },
  add(context) {
    const [condition, left, right] = context.operands;
    let wide = condition;
    // A vector chooses samples.
    if (context.op === "Select" && rankOf(context, condition) === 1) {
      for (let i = 1; i < rankOf(context, left); i++) wide = expand(context, wide, i, "condition");
    }
    if (rankOf(context, left) !== rankOf(context, right) && context.op === "Select") {
      throw new UnsupportedError(["Select: values of different ranks"]);
    }
    return [select(context, wide, left, right)];
  },
};

/** Numbers along the channels, or for all, go with cells of any sample. */
const keeping = (rules: GraphRules): GraphRules =>
  Object.fromEntries(Object.entries(rules).map(([op, rule]) => [op, { ...rule, blocks: "keep" }]));

const all = <T>(table: Readonly<Record<string, T>>, ruleOf: (each: T) => GraphRule): GraphRules =>
  Object.fromEntries(Object.entries(table).map(([op, each]) => [op, ruleOf(each)]));

export const elementRules: GraphRules = keeping({
  ...all(functions, (fn) => one((context, x) => apply(context, fn, x))),
  ...all(ones, one),
  ...all(twos, two),
  ...all(known, ofConstants),
  AddN: addAll,
  BiasAdd: biasAdd,
  ClipByValue: clip,
  Prelu: two(addPrelu),
  Select: selectRule,
  SelectV2: selectRule,
});

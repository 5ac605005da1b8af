/** Quotients that are cut, what is left of them, and powers. */

import { apply, combine, number } from "./compute.js";
import type { Context, Operand } from "./constant.js";
import { foldBinary } from "./fold.js";

const isInteger = ({ attrs }: Context, a: Operand, b: Operand): boolean =>
  attrs.type("T") === "DT_INT32" || (a.constant?.isFloat === false && b.constant?.isFloat === false);

/** Of integers it is cut. */
export function quotient(context: Context, a: Operand, b: Operand): Operand {
  return isInteger(context, a, b) ? floorQuotient(context, a, b) : combine(context, "divide", a, b);
}

export function floorQuotient(context: Context, a: Operand, b: Operand, part?: string): Operand {
  const name = part === undefined ? context.name : `${context.name}/${part}`;
  if (a.constant && b.constant) return foldBinary(name, "floorDivide", a.constant, b.constant);
  return apply(context, "floor", combine(context, "divide", a, b, "quotient"), part);
}

/** What is left of a division, of the sign of the divisor. */
export function modulo(context: Context, a: Operand, b: Operand): Operand {
  const whole = floorQuotient(context, a, b, "whole");
  return combine(context, "subtract", a, combine(context, "multiply", whole, b, "product"));
}

const mostFactors = 64;

/** Whole powers are products, others exp(b log a), with the sign of an odd power of a negative number. */
export function power(context: Context, a: Operand, b: Operand): Operand {
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

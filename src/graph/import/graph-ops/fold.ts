/** Arithmetic on what is known while importing: sizes that models compute, weights that they prepare. */

import { UnsupportedError } from "../../errors.js";
import { unaryFunctions } from "../../ops/unary-functions.js";
import { sizeOf } from "../../shape.js";
import { type Constant, type Context, constantOf, type Operand } from "./constant.js";

const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  divide: (a, b) => a / b,
  maximum: Math.max,
  minimum: Math.min,
  multiply: (a, b) => a * b,
  subtract: (a, b) => a - b,
};

const unary: Readonly<Record<string, (x: number) => number>> = {
  Abs: Math.abs,
  Exp: Math.exp,
  Log: Math.log,
  Neg: (x) => -x,
  Reciprocal: (x) => 1 / x,
  Relu: unaryFunctions.relu,
  Rsqrt: (x) => 1 / Math.sqrt(x),
  Sigmoid: unaryFunctions.sigmoid,
  Softplus: unaryFunctions.softplus,
  Sqrt: Math.sqrt,
  Square: (x) => x * x,
  Tanh: Math.tanh,
};

/** Floats are rounded as they would be had they been computed; integers are cut as TensorFlow cuts them. */
function rounded({ isFloat }: Constant, values: readonly number[]): ArrayLike<number> {
  return isFloat ? Float32Array.from(values) : values.map(Math.trunc);
}

export function foldUnary({ op, name }: Context, x: Constant): Operand {
  if (!Object.hasOwn(unary, op)) throw new UnsupportedError([`${op} of a constant`]);
  return constantOf(name, x.shape, rounded(x, Array.from(x.data, unary[op])), x.isFloat);
}

export function foldBinary({ name }: Context, op: string, a: Constant, b: Constant): Operand {
  const rank = Math.max(a.shape.length, b.shape.length);
  const [first, second] = [a, b].map(({ shape }) => [
    ...new Array<number>(rank - shape.length).fill(1),
    ...shape,
  ]);
  const shape = first.map((dim, i) => {
    if (dim === second[i] || dim === 1 || second[i] === 1) return dim === 1 ? second[i] : dim;
    throw new RangeError(`node ${name}: wanted shapes that go together, got [${a.shape}] and [${b.shape}]`);
  });
  const values = Array.from({ length: sizeOf(shape) }, (_, i) =>
    binary[op](a.data[offsetAt(i, shape, first)], b.data[offsetAt(i, shape, second)]),
  );
  return constantOf(name, shape, rounded(a, values), a.isFloat);
}

/** Where element i of `shape` lies in a constant that broadcasts to it. */
function offsetAt(i: number, shape: readonly number[], from: readonly number[]): number {
  let [offset, stride, rest] = [0, 1, i];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (from[axis] !== 1) offset += (rest % shape[axis]) * stride;
    stride *= from[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return offset;
}

const reductions: Readonly<Record<string, (values: readonly number[]) => number>> = {
  max: (values) => values.reduce((a, b) => Math.max(a, b)),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  min: (values) => values.reduce((a, b) => Math.min(a, b)),
  product: (values) => values.reduce((a, b) => a * b, 1),
  sum: (values) => values.reduce((a, b) => a + b, 0),
};

/** Of vectors, which is what sizes are. */
export function foldReduction(
  { op, name }: Context,
  fn: string,
  x: Constant,
  axes: readonly number[],
  keepDims: boolean,
): Operand {
  if (x.shape.length !== 1 || axes.length !== 1) throw new UnsupportedError([`${op} of a constant`]);
  return constantOf(name, keepDims ? [1] : [], rounded(x, [reductions[fn](Array.from(x.data))]), x.isFloat);
}

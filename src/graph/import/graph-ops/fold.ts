/** Arithmetic on what is known while importing: sizes that models compute, weights that they prepare. */

import { UnsupportedError } from "../../errors.js";
import { sizeOf } from "../../shape.js";
import { type Constant, constantOf, type Operand } from "./constant.js";

/** What a file may make of a few bytes. */
const maxElements = 2 ** 24;

/** @throws RangeError for more numbers than any model computes while it is imported */
export function checkedSize(name: string, shape: readonly number[]): number {
  const size = sizeOf(shape);
  if (size <= maxElements) return size;
  throw new RangeError(`node ${name}: wanted a constant of at most ${maxElements} numbers, got [${shape}]`);
}

const binary: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  divide: (a, b) => a / b,
  equal: (a, b) => Number(a === b),
  floorDivide: (a, b) => Math.floor(a / b),
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  mask: (a, b) => (b === 0 ? 0 : a),
  maximum: Math.max,
  minimum: Math.min,
  multiply: (a, b) => a * b,
  power: (a, b) => a ** b,
  subtract: (a, b) => a - b,
};

/** Floats are rounded as they would be had they been computed; integers are cut as TensorFlow cuts them. */
function rounded(isFloat: boolean, values: readonly number[]): ArrayLike<number> {
  return isFloat ? Float32Array.from(values) : values.map(Math.trunc);
}

export function foldUnary(name: string, f: (x: number) => number, x: Constant): Operand {
  return constantOf(name, x.shape, rounded(x.isFloat, Array.from(x.data, f)), x.isFloat);
}

export function foldBinary(name: string, op: string, a: Constant, b: Constant): Operand {
  const shape = broadcastShape(name, a.shape, b.shape);
  const [first, second] = [a, b].map((each) => broadcastTo(name, each, shape).data);
  const values = Array.from(first, (value, i) => binary[op](value, second[i]));
  const isFloat = a.isFloat || (op !== "mask" && b.isFloat);
  return constantOf(name, shape, rounded(isFloat, values), isFloat);
}

/** @throws RangeError for shapes that do not go together */
export function broadcastShape(name: string, a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length);
  const [first, second] = [a, b].map((shape) => [
    ...new Array<number>(rank - shape.length).fill(1),
    ...shape,
  ]);
  const shape = first.map((dim, i) => {
    if (dim === second[i] || dim === 1 || second[i] === 1) return dim === 1 ? second[i] : dim;
    throw new RangeError(`node ${name}: wanted shapes that go together, got [${a}] and [${b}]`);
  });
  checkedSize(name, shape);
  return shape;
}

/** The constant repeated where it has 1. */
export function broadcastTo(name: string, x: Constant, shape: readonly number[]): Constant {
  const from = [...new Array<number>(Math.max(0, shape.length - x.shape.length)).fill(1), ...x.shape];
  if (from.length !== shape.length || from.some((dim, i) => dim !== 1 && dim !== shape[i])) {
    throw new RangeError(`node ${name}: wanted a shape that broadcasts to [${shape}], got [${x.shape}]`);
  }
  return chosen(name, { ...x, shape: from }, shape, (index) =>
    index.map((i, axis) => (from[axis] === 1 ? 0 : i)),
  );
}

/** The constant whose element at each index is that of x at another one. */
export function chosen(
  key: string,
  x: Constant,
  shape: readonly number[],
  from: (index: readonly number[]) => readonly number[],
): Constant {
  const index = shape.map(() => 0);
  return filled(key, x, shape, () => {
    const place = from(index).reduce((offset, i, axis) => offset * x.shape[axis] + i, 0);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
    return place;
  });
}

/** Numbers of x one after another, from the places that `next` says. */
function filled(key: string, x: Constant, shape: readonly number[], next: () => number): Constant {
  // What is only moved is no larger than the file.
  const size = sizeOf(shape) <= x.data.length ? sizeOf(shape) : checkedSize(key, shape);
  const data = x.isFloat ? new Float32Array(size) : new Array<number>(size).fill(0);
  for (let i = 0; i < size; i++) data[i] = x.data[next()];
  return { key, shape, data, isFloat: x.isFloat };
}

/** @param perm for each axis of the result the axis it was */
export function transposeConstant(key: string, x: Constant, perm: readonly number[]): Constant {
  const shape = perm.map((axis) => x.shape[axis]);
  const strides = perm.map((axis) => sizeOf(x.shape.slice(axis + 1)));
  const index = shape.map(() => 0);
  let place = 0;
  return filled(key, x, shape, () => {
    const now = place;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += strides[axis];
      if (++index[axis] < shape[axis]) break;
      place -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
    return now;
  });
}

/** Constants one after another along an axis. */
export function concatConstants(key: string, all: readonly Constant[], axis: number): Constant {
  const [first] = all;
  const fits = all.every(
    ({ shape }) =>
      shape.length === first.shape.length && shape.every((dim, i) => i === axis || dim === first.shape[i]),
  );
  if (!fits)
    throw new RangeError(`node ${key}: wanted shapes alike, got ${all.map(({ shape }) => `[${shape}]`)}`);
  const shape = first.shape.with(
    axis,
    all.reduce((sum, each) => sum + each.shape[axis], 0),
  );
  checkedSize(key, shape);
  const rows = sizeOf(first.shape.slice(0, axis));
  const parts: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (const { data } of all) {
      const run = data.length / rows;
      for (let i = 0; i < run; i++) parts.push(data[row * run + i]);
    }
  }
  return { key, shape, data: first.isFloat ? Float32Array.from(parts) : parts, isFloat: first.isFloat };
}

const reductions: Readonly<Record<string, (values: readonly number[]) => number>> = {
  max: (values) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  min: (values) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  product: (values) => values.reduce((a, b) => a * b, 1),
  sum: (values) => values.reduce((a, b) => a + b, 0),
};

/** @param axes counted from the start, ascending */
export function foldReduction(
  name: string,
  fn: string,
  x: Constant,
  axes: readonly number[],
  keepDims: boolean,
): Operand {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const ordered = transposeConstant(name, x, [...kept, ...axes]);
  const k = sizeOf(axes.map((axis) => x.shape[axis]));
  const all = Array.from(ordered.data);
  const values = Array.from({ length: all.length / (k || 1) }, (_, i) =>
    reductions[fn](all.slice(i * k, (i + 1) * k)),
  );
  const shape = x.shape.flatMap((dim, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [dim]));
  return constantOf(name, shape, rounded(x.isFloat, values), x.isFloat);
}

/** The product of two matrices. */
export function foldMatrixProduct(name: string, a: Constant, b: Constant): Constant {
  const [m, k] = a.shape;
  const [depth, n] = b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || k !== depth) {
    throw new UnsupportedError([`MatMul of constants of [${a.shape}] and [${b.shape}]`]);
  }
  const data = new Float32Array(checkedSize(name, [m, n]));
  for (let i = 0; i < data.length; i++) {
    let sum = 0;
    for (let j = 0; j < k; j++) sum += a.data[Math.floor(i / n) * k + j] * b.data[j * n + (i % n)];
    data[i] = sum;
  }
  return { key: name, shape: [m, n], data, isFloat: true };
}

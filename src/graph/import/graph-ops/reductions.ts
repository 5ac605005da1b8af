/** Ops that make one number of many along an axis, or of all before it: sums, largest ones, softmax. */

import { UnsupportedError } from "../../errors.js";
import { apply, asView, combine, expand, join, number, portion, rankOf, reduce } from "./compute.js";
import {
  axisOf,
  type Context,
  constantOf,
  type GraphRule,
  type GraphRules,
  integersAt,
  type Operand,
} from "./constant.js";
import { select } from "./elements.js";
import { addOp, along, canonical, sizesOf, viewOf } from "./view.js";

function reduction(fn: string): GraphRule {
  return {
    inputs: { min: 2, max: 2 },
    add(context) {
      const keepDims = context.attrs.boolean("keep_dims");
      return [reduce(context, fn, context.operands[0], integersAt(context, 1), keepDims)];
    },
  };
}

const norm: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const [x] = context.operands;
    const square = combine(context, "multiply", x, x, "square");
    const keepDims = context.attrs.boolean("keep_dims");
    return [apply(context, "sqrt", reduce(context, "sum", square, integersAt(context, 1), keepDims, "sum"))];
  },
};

/** The size of an axis that is not the batch, unless that is one. */
export function sizeAlong(context: Context, x: Operand, given: number): number {
  const axis = axisOf(context, given, rankOf(context, x));
  if (x.constant) return x.constant.shape[axis];
  const { view } = along(context, asView(context, x), [axis]);
  return sizesOf(context, view)[axis] as number;
}

/** Numbers along an axis of a tensor, of 1 along all others. */
function ramp(context: Context, x: Operand, axis: number, numbers: readonly number[]): Operand {
  const after = rankOf(context, x) - 1 - axis;
  return constantOf(
    `${context.name}/ramp`,
    [numbers.length, ...new Array<number>(after).fill(1)],
    numbers,
    true,
  );
}

/**
 * Which place along an axis has the number of `top`: the first one of them. What is left to its end is more the
 * earlier it is, so that the largest of that is of the first.
 *
 * @returns of each place how much is left, and of the first one that, keeping the axis
 */
function firstOf(context: Context, x: Operand, top: Operand, axis: number, part: string) {
  const size = sizeAlong(context, x, axis);
  const left = ramp(
    context,
    x,
    axis,
    Array.from({ length: size }, (_, i) => size - i),
  );
  const same = combine(context, "equal", x, top, `${part}same`);
  const weighted = combine(context, "multiply", same, left, `${part}left`);
  return { size, left, first: reduce(context, "max", weighted, [axis], true, `${part}first`) };
}

function argument(fn: "max" | "min"): GraphRule {
  return {
    inputs: { min: 1, max: 2 },
    add(context) {
      const [x] = context.operands;
      const [given] = context.operands.length > 1 ? integersAt(context, 1) : [0];
      const axis = axisOf(context, given, rankOf(context, x));
      const top = reduce(context, fn, x, [axis], true, "top");
      const { size, first } = firstOf(context, x, top, axis, "");
      const flat = reduce(context, "max", first, [axis], false, "flat");
      return [combine(context, "subtract", number(size), flat)];
    },
  };
}

/** More would be more nodes than the rest of a model. */
const mostTop = 64;

/** The largest ones of the last axis and their places: one after another, each taken out once it is found. */
const topK: GraphRule = {
  inputs: { min: 1, max: 2 },
  add(context) {
    const [x] = context.operands;
    const k = context.operands.length > 1 ? integersAt(context, 1)[0] : context.attrs.number("k", 1);
    const axis = rankOf(context, x) - 1;
    const size = sizeAlong(context, x, axis);
    if (!(k >= 1 && k <= size))
      throw new RangeError(`node ${context.name}: wanted k of 1 to ${size}, got ${k}`);
    if (k > mostTop) throw new UnsupportedError([`${context.op}: k of ${k}, more than ${mostTop}`]);
    const values: Operand[] = [];
    const places: Operand[] = [];
    let rest = x;
    for (let i = 0; i < k; i++) {
      const top = reduce(context, "max", rest, [axis], true, `${i}/top`);
      const { left, first } = firstOf(context, rest, top, axis, `${i}/`);
      values.push(top);
      places.push(combine(context, "subtract", number(size), first, `${i}/place`));
      const inner = { ...context, name: `${context.name}/${i}/rest` };
      const isTaken = combine(inner, "equal", first, left, "taken");
      if (i + 1 < k) rest = select(inner, isTaken, number(-3.4028234663852886e38), rest);
    }
    return [join(context, values, axis), join(context, places, axis, "indices")];
  },
};

/** Sums or products of all before each place, by doubling: log2(n) steps. */
function cumulative(op: "add" | "multiply"): GraphRule {
  return {
    inputs: { min: 2, max: 2 },
    add(context) {
      const [given] = integersAt(context, 1);
      const [operand] = context.operands;
      const axis = axisOf(context, given, rankOf(context, operand));
      const size = sizeAlong(context, operand, axis);
      const [isExclusive, isReverse] = ["exclusive", "reverse"].map((key) => context.attrs.boolean(key));
      const shift = (x: Operand, by: number, part: string): Operand => {
        const neutral = filled(context, x, axis, by, op === "add" ? 0 : 1, `${part}/none`);
        const kept = portion(context, x, axis, { from: isReverse ? by : 0, size: size - by }, `${part}/kept`);
        return join(context, isReverse ? [kept, neutral] : [neutral, kept], axis, `${part}/shifted`);
      };
      let sum = isExclusive && size > 1 ? shift(operand, 1, "exclusive") : operand;
      if (isExclusive && size === 1) return [filled(context, operand, axis, 1, op === "add" ? 0 : 1)];
      for (let by = 1; by < size; by *= 2) sum = combine(context, op, sum, shift(sum, by, `${by}`), `${by}`);
      return [sum];
    },
  };
}

/** A part of x, of some places along an axis, with another number in all of them. */
function filled(
  context: Context,
  x: Operand,
  axis: number,
  size: number,
  value: number,
  part?: string,
): Operand {
  const cut = portion(context, x, axis, { from: 0, size }, part === undefined ? "cut" : `${part}/cut`);
  const zeros = combine(context, "mask", cut, number(0), part === undefined ? "zeros" : `${part}/zeros`);
  return value === 0 ? zeros : combine(context, "add", zeros, number(value), part);
}

function softmax(op: "softmax" | "logSoftmax"): GraphRule {
  return {
    inputs: { min: 1, max: 1 },
    add(context) {
      const { value, order, constant } = context.operands[0];
      if (constant) throw new UnsupportedError([`${context.op} of a constant`]);
      const given = viewOf(context, value as string, order);
      const { view } = along(context, canonical(context, given), [-1]);
      const ordered = canonical(context, view);
      return [{ value: addOp(context, op, [ordered.value], { attrs: { axis: -1 } }), order: ordered.order }];
    },
  };
}

/** 1 at a place along a new axis, and 0 at the others; or other numbers. */
const oneHot: GraphRule = {
  inputs: { min: 4, max: 4 },
  add(context) {
    const [indices, , on, off] = context.operands;
    const [depth] = integersAt(context, 1);
    const given = context.attrs.number("axis", -1);
    const rank = rankOf(context, indices) + 1;
    const axis = axisOf(context, given, rank);
    if (!(depth >= 1 && depth <= 2 ** 20))
      throw new RangeError(`node ${context.name}: wanted a depth of 1 to 2^20, got ${depth}`);
    const wide = expand(context, indices, axis, "wide");
    const places = ramp(
      context,
      wide,
      axis,
      Array.from({ length: depth }, (_, i) => i),
    );
    const isPlain = [on, off].every(({ constant }, i) => constant?.data[0] === 1 - i);
    const hot = combine(context, "equal", wide, places, isPlain ? undefined : "hot");
    return [isPlain ? hot : select(context, hot, on, off)];
  },
};

export const reductionRules: GraphRules = {
  All: reduction("min"),
  Any: reduction("max"),
  ArgMax: argument("max"),
  ArgMin: argument("min"),
  Cumprod: cumulative("multiply"),
  Cumsum: cumulative("add"),
  EuclideanNorm: norm,
  LogSoftmax: softmax("logSoftmax"),
  Max: reduction("max"),
  Mean: reduction("mean"),
  Min: reduction("min"),
  OneHot: oneHot,
  Prod: reduction("product"),
  Softmax: softmax("softmax"),
  Sum: reduction("sum"),
  TopKV2: topK,
};

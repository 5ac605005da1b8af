/** Functions of operands: numbers that are known are computed at once, of values nodes are made. */

import { type UnaryFunctionName, unaryFunctions } from "../../ops/unary-functions.js";
import { axisOf, type Constant, type Context, constantOf, type Operand, weightOf } from "./constant.js";
import {
  broadcastTo,
  checkedSize,
  chosen,
  concatConstants,
  foldBinary,
  foldReduction,
  foldUnary,
  transposeConstant,
} from "./fold.js";
import {
  addOp,
  aligned,
  along,
  beside,
  operandBeside,
  reshaped,
  type View,
  viewOf,
  withAxis,
  withLeading,
  withoutAxes,
  withoutOnes,
} from "./view.js";

/** One number. */
export const number = (value: number): Operand => constantOf(`${value}`, [], [value], true);

const nameOf = ({ name }: Context, part: string | undefined) =>
  part === undefined ? name : `${name}/${part}`;
const parted = (part: string | undefined) => (part === undefined ? {} : { part });

/** The view of an operand that is a value. */
export const asView = (context: Context, { value, order }: Operand): View =>
  viewOf(context, value as string, order);

/** fn of every element. @param part of the node's name, where it is not the last one */
export function apply(
  context: Context,
  fn: UnaryFunctionName,
  x: Operand,
  part?: string,
  numbers: Readonly<Record<string, number>> = {},
): Operand {
  if (x.constant)
    return foldUnary(nameOf(context, part), (value) => unaryFunctions[fn](value, numbers), x.constant);
  const value = addOp(context, "unary", [x.value as string], { ...parted(part), attrs: { fn, ...numbers } });
  return { ...x, value };
}

/** Arithmetic of two operands, as `opNames` has it. */
export function combine(context: Context, op: string, a: Operand, b: Operand, part?: string): Operand {
  if (a.constant && b.constant) return foldBinary(nameOf(context, part), op, a.constant, b.constant);
  if (!a.constant && !b.constant) {
    const [first, second] = aligned(context, [asView(context, a), asView(context, b)]);
    return { value: addOp(context, op, [first.value, second.value], parted(part)), order: first.order };
  }
  const given = a.constant ?? (b.constant as Constant);
  const { view, constant } = beside(context, asView(context, a.constant ? b : a), given);
  const attrs = a.constant ? { operandFirst: true } : {};
  const weights = { operand: weightOf(context, constant) };
  return { value: addOp(context, op, [view.value], { ...parted(part), attrs, weights }), order: view.order };
}

/** @param axes as they may be counted from the end, in any order */
export function reduce(
  context: Context,
  fn: string,
  x: Operand,
  axes: readonly number[],
  keepDims: boolean,
  part?: string,
): Operand {
  const ascending = (all: readonly number[]) => [...new Set(all)].sort((a, b) => a - b);
  if (x.constant) {
    const rank = x.constant.shape.length;
    const counted = ascending(axes.map((axis) => axisOf(context, axis, rank)));
    return foldReduction(nameOf(context, part), fn, x.constant, counted, keepDims);
  }
  const { view, valueAxes } = along(context, asView(context, x), axes);
  const attrs = { fn, axes: ascending(valueAxes), keepDims };
  const value = addOp(context, "reduce", [view.value], { ...parted(part), attrs });
  return { value, order: keepDims ? view.order : withoutAxes(view.order, attrs.axes) };
}

/** The rank of the tensor. */
export function rankOf(context: Context, x: Operand): number {
  return x.constant ? x.constant.shape.length : asView(context, x).order.length;
}

/** The axes of the tensor in another order. */
export function permute(context: Context, x: Operand, perm: readonly number[], part?: string): Operand {
  if (x.constant) return { constant: transposeConstant(nameOf(context, part), x.constant, perm) };
  const { value, order } = asView(context, x);
  return { value, order: perm.map((axis) => order[axis]) };
}

/** A new axis of 1 at a place. */
export function expand(context: Context, x: Operand, at: number, part?: string): Operand {
  if (!x.constant) return withAxis(context, asView(context, x), at, part);
  return {
    constant: { ...x.constant, key: nameOf(context, part), shape: x.constant.shape.toSpliced(at, 0, 1) },
  };
}

/** Without axes of 1. */
export function collapse(context: Context, x: Operand, axes: readonly number[], part?: string): Operand {
  if (x.constant) {
    const shape = x.constant.shape.filter((_, axis) => !axes.includes(axis));
    return { constant: { ...x.constant, key: nameOf(context, part), shape } };
  }
  const { view, valueAxes } = along(context, asView(context, x), axes);
  return withoutOnes(context, view, valueAxes, part);
}

/** Operands one after another along an axis. */
export function join(context: Context, operands: readonly Operand[], given: number, part?: string): Operand {
  const first = operands.find(({ value }) => value !== undefined);
  const axis = axisOf(context, given, rankOf(context, first ?? operands[0]));
  if (!first) {
    const constants = operands.map(({ constant }) => constant as Constant);
    return { constant: concatConstants(nameOf(context, part), constants, axis) };
  }
  const whole = along(context, asView(context, first), [axis]).view;
  const views = aligned(
    context,
    operands.map((operand) => (operand === first ? whole : operandBeside(context, whole, operand))),
  );
  const { order } = views[0];
  const values = views.map(({ value }) => value);
  return {
    value: addOp(context, "concat", values, { ...parted(part), attrs: { axis: order[axis] } }),
    order,
  };
}

/** Places of an axis: those from `from` on, by `step`. */
export interface Portion {
  readonly from: number;
  readonly size: number;
  readonly step?: number;
}

/** Some places of one axis, all of the others. */
export function portion(context: Context, x: Operand, axis: number, places: Portion, part?: string): Operand {
  return portions(context, x, new Map([[axis, places]]), part);
}

/** Some places of some axes, by axis of the tensor. */
export function portions(
  context: Context,
  x: Operand,
  places: ReadonlyMap<number, Portion>,
  part?: string,
): Operand {
  const axes = [...places.keys()];
  if (x.constant) {
    const shape = x.constant.shape.map((dim, axis) => places.get(axis)?.size ?? dim);
    const place = (index: readonly number[]) =>
      index.map((i, axis) => {
        const { from, step = 1 } = places.get(axis) ?? { from: 0 };
        return from + i * step;
      });
    return { constant: chosen(nameOf(context, part), x.constant, shape, place) };
  }
  const { view, valueAxes } = along(context, asView(context, x), axes);
  const sample = context.builder.shapeOf(view.value).slice(1) as readonly number[];
  const ordered = sample.map((dim, i) => {
    const at = valueAxes.indexOf(i + 1);
    return (at < 0 ? undefined : places.get(axes[at])) ?? { from: 0, size: dim };
  });
  const attrs = {
    begin: ordered.map(({ from }) => from),
    size: ordered.map(({ size }) => size),
    strides: ordered.map(({ step = 1 }) => step),
  };
  return { value: addOp(context, "slice", [view.value], { ...parted(part), attrs }), order: view.order };
}

/** Chosen places of one axis. */
export function choose(
  context: Context,
  x: Operand,
  axis: number,
  indices: readonly number[],
  part?: string,
): Operand {
  if (x.constant) {
    const shape = x.constant.shape.with(axis, indices.length);
    const place = (index: readonly number[]) => index.with(axis, indices[index[axis]]);
    return { constant: chosen(nameOf(context, part), x.constant, shape, place) };
  }
  const { view, valueAxes } = along(context, asView(context, x), [axis]);
  const attrs = { axis: valueAxes[0], indices };
  return { value: addOp(context, "gather", [view.value], { ...parted(part), attrs }), order: view.order };
}

/** One axis as several. @param sizes none: it is of 1, and goes */
export function splitAxis(
  context: Context,
  x: Operand,
  axis: number,
  sizes: readonly number[],
  part?: string,
): Operand {
  if (x.constant) {
    const shape = x.constant.shape.toSpliced(axis, 1, ...sizes);
    return { constant: { ...x.constant, key: nameOf(context, part), shape } };
  }
  const { view, valueAxes } = along(context, asView(context, x), [axis]);
  const [at] = valueAxes;
  const shape = context.builder.shapeOf(view.value).toSpliced(at, 1, ...sizes);
  const order = view.order.flatMap((other) => {
    if (other === at) return sizes.map((_, i) => at + i);
    return [other > at ? other + sizes.length - 1 : other];
  });
  return { value: reshaped(context, view.value, shape, part), order };
}

/** Repeated where it is 1 and the sizes are not; NaN is the size of the batch. */
export function broadcast(context: Context, x: Operand, sizes: readonly number[]): Operand {
  if (x.constant) {
    const shape = sizes.map((size) => (Number.isNaN(size) ? 1 : size));
    return { constant: broadcastTo(context.name, x.constant, shape) };
  }
  let result: Operand = withLeading(
    context,
    asView(context, x),
    Math.max(0, sizes.length - rankOf(context, x)),
  );
  for (const [axis, size] of sizes.entries()) {
    const view = asView(context, result);
    const dim = context.builder.shapeOf(view.value)[view.order[axis]];
    if (dim === size || (dim === null && (Number.isNaN(size) || size === 1)) || Number.isNaN(size)) continue;
    if (dim !== 1 && !(dim === null && context.batch === 1)) {
      throw new RangeError(`node ${context.name}: wanted a size of ${size} or 1 on axis ${axis}, got ${dim}`);
    }
    checkedSize(context.name, [size]);
    result = choose(context, result, axis, new Array<number>(size).fill(0), `${axis}`);
  }
  return result;
}

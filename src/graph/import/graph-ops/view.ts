/**
 * Values as TensorFlow sees them: a tensor whose axes are those of a value in some order.
 *
 * A model may keep its time or its channels first, or drop a batch of one. A value of the graph has its batch first
 * and always; a view says which of its axes is which of the tensor's, so that a transpose costs nothing until
 * somebody needs the numbers in that order.
 */

import { UnsupportedError } from "../../errors.js";
import { formatShape, sizeOf } from "../../shape.js";
import type { AttrValue, Dim, Shape } from "../../types.js";
import { axisOf, type Constant, type Context, type Operand, weightOf } from "./constant.js";
import { transposeConstant } from "./fold.js";

export interface View {
  readonly value: string;
  /** For each axis of the tensor the axis of the value; 0 is the batch. */
  readonly order: readonly number[];
}

/** The view of an operand that is a value. */
export function viewOf({ builder }: Context, value: string, order?: readonly number[]): View {
  return { value, order: order ?? builder.shapeOf(value).map((_, i) => i) };
}

/** The `i`-th operand, which has to be a value. @throws UnsupportedError */
export function viewAt(context: Context, i: number): View {
  const { value, order } = context.operands[i] ?? {};
  if (value !== undefined) return viewOf(context, value, order);
  throw new UnsupportedError([`${context.op}: input ${i} constant`]);
}

/** Sizes of the tensor; null for the batch. */
export function sizesOf({ builder }: Context, { value, order }: View): readonly Dim[] {
  const shape = builder.shapeOf(value);
  return order.map((axis) => shape[axis]);
}

/** The place of the batch among the axes of the tensor; -1 where it is gone. */
export const batchOf = ({ order }: View): number => order.indexOf(0);

export const sameOrder = (a: View, b: View): boolean => `${a.order}` === `${b.order}`;

/** Adds a node; to its name a part of it where it is not the last one. */
export function addOp(
  { builder, name }: Context,
  op: string,
  inputs: readonly string[],
  parts: {
    readonly part?: string;
    readonly attrs?: Readonly<Record<string, AttrValue>>;
    readonly weights?: Readonly<Record<string, string>>;
  } = {},
): string {
  const { part, ...rest } = parts;
  return builder.add(part === undefined ? name : `${name}/${part}`, op, inputs, rest);
}

/** The same numbers under another shape; the value itself where it has that. */
export function reshaped(context: Context, value: string, shape: Shape, part?: string): string {
  if (`${context.builder.shapeOf(value).map(String)}` === `${shape.map(String)}`) return value;
  return addOp(context, "reshape", [value], { attrs: { shape }, ...(part !== undefined && { part }) });
}

/** The view over a value whose axes but the batch are in the order of the tensor's. */
export function canonical(context: Context, view: View): View {
  const sample = view.order.filter((axis) => axis !== 0);
  if (sample.every((axis, i) => axis === i + 1)) return view;
  const value = addOp(context, "transpose", [view.value], { part: "order", attrs: { perm: [0, ...sample] } });
  return { value, order: view.order.map((axis) => (axis === 0 ? 0 : sample.indexOf(axis) + 1)) };
}

/** The view over a value with its axes in the order that another has. Both have their batch in the same place. */
function withOrder(context: Context, view: View, order: readonly number[]): View {
  if (`${view.order}` === `${order}`) return view;
  const perm = [0, ...order.map(() => 0)].slice(0, context.builder.shapeOf(view.value).length);
  for (const [i, axis] of order.entries()) perm[axis] = view.order[i];
  return { value: addOp(context, "transpose", [view.value], { part: "order", attrs: { perm } }), order };
}

/** A batch of one as an axis like the others. */
export function withoutBatch(context: Context, view: View): View {
  if (batchOf(view) < 0) return view;
  const [, ...sample] = context.builder.shapeOf(view.value);
  const value = reshaped(context, view.value, [null, 1, ...sample], "batch");
  return { value, order: view.order.map((axis) => axis + 1) };
}

/** A view with `count` axes of 1 before its own. */
export function withLeading(context: Context, view: View, count: number): View {
  if (count === 0) return view;
  const [, ...sample] = context.builder.shapeOf(view.value);
  const ones = Array.from({ length: count }, (_, i) => i + 1);
  const value = reshaped(context, view.value, [null, ...ones.map(() => 1), ...sample], "rank");
  return { value, order: [...ones, ...view.order.map((axis) => (axis === 0 ? 0 : axis + count))] };
}

/** The value with its axes as the tensor has them, its batch first. @throws UnsupportedError where it is not */
export function firstBatch(context: Context, view: View): string {
  const ordered = canonical(context, view);
  if (ordered.order[0] === 0) return ordered.value;
  const sizes = sizesOf(context, view);
  if (context.batch === 1 && (sizes[0] ?? 1) === 1 && sizes.length > 0) return withoutFirst(context, view);
  throw new UnsupportedError([`${context.op}: ${formatShape(sizes)}, the batch not first`]);
}

/** The value of an output: of one whose batch of one is gone, or elsewhere, the numbers in the tensor's order. */
export function outputValue(context: Context, view: View): string {
  const [first = 0] = sizesOf(context, view);
  if (context.batch !== 1 || first === null || first === 1) return firstBatch(context, view);
  return canonical(context, withoutBatch(context, view)).value;
}

function withoutFirst(context: Context, view: View): string {
  const whole = canonical(context, withoutBatch(context, view));
  const [batch, , ...sample] = context.builder.shapeOf(whole.value);
  return reshaped(context, whole.value, [batch, ...sample], "first");
}

/** The name of the `i`-th operand, which has to be a value with its batch first. @throws UnsupportedError */
export function valueAt(context: Context, i: number): string {
  return firstBatch(context, viewAt(context, i));
}

/** The shape of that value. */
export function shapeAt(context: Context, i: number): Shape {
  return context.builder.shapeOf(valueAt(context, i));
}

/** Axes of a tensor, and which of its value they are. */
export interface Along {
  readonly view: View;
  readonly axes: readonly number[];
  /** The same, of the value. */
  readonly valueAxes: readonly number[];
}

/**
 * Axes of a tensor none of which is the batch, as they may be counted from the end.
 *
 * @throws UnsupportedError for the batch, unless it is one; RangeError for one that there is not
 */
export function along(context: Context, view: View, given: readonly number[]): Along {
  const axes = given.map((axis) => axisOf(context, axis, view.order.length));
  const isBatch = axes.some((axis) => view.order[axis] === 0);
  if (isBatch && context.batch !== 1) {
    throw new UnsupportedError([`${context.op}: axis ${batchOf(view)}, the batch`]);
  }
  const free = isBatch ? withoutBatch(context, view) : view;
  return { view: free, axes, valueAxes: axes.map((axis) => free.order[axis]) };
}

/** The order of a tensor some of whose axes, of the value, are gone. */
export function withoutAxes(order: readonly number[], gone: readonly number[]): readonly number[] {
  return order
    .filter((axis) => !gone.includes(axis))
    .map((axis) => axis - gone.filter((other) => other < axis).length);
}

/** A view with a new axis of 1 at a place of the tensor. */
export function withAxis(context: Context, { value, order }: View, at: number, part?: string): View {
  const next = order[at] || (at > 0 ? order[at - 1] + 1 : 1);
  const shape = context.builder.shapeOf(value).toSpliced(next, 0, 1);
  return {
    value: reshaped(context, value, shape, part),
    order: order.map((axis) => (axis >= next ? axis + 1 : axis)).toSpliced(at, 0, next),
  };
}

/** A view without axes of 1 of its value. */
export function withoutOnes(
  context: Context,
  { value, order }: View,
  gone: readonly number[],
  part?: string,
): View {
  const shape = context.builder.shapeOf(value).filter((_, axis) => !gone.includes(axis));
  return { value: reshaped(context, value, shape, part), order: withoutAxes(order, gone) };
}

/** Views of one order of axes. @throws UnsupportedError where their batches lie in different places */
export function aligned(context: Context, views: readonly View[]): readonly View[] {
  const rank = Math.max(...views.map(({ order }) => order.length));
  let all = views.map((view) => withLeading(context, view, rank - view.order.length));
  if (all.some((view) => batchOf(view) !== batchOf(all[0]))) {
    if (context.batch !== 1) {
      const shapes = views.map((view) => formatShape(sizesOf(context, view)));
      throw new UnsupportedError([`${context.op}: ${shapes.join(" and ")}`]);
    }
    all = all.map((view) => withoutBatch(context, view));
  }
  return all.map((view) => withOrder(context, view, all[0].order));
}

/** A view and a constant of the same rank, that goes with a sample of it. */
export interface Beside {
  readonly view: View;
  readonly constant: Constant;
}

/** @throws UnsupportedError for a constant that has a size of its own where the batch is */
export function beside(context: Context, given: View, constant: Constant): Beside {
  const { shape } = constant;
  const view = withLeading(context, given, Math.max(0, shape.length - given.order.length));
  const full = [...new Array<number>(view.order.length - shape.length).fill(1), ...shape];
  const batch = batchOf(view);
  if (batch >= 0 && full[batch] !== 1) {
    if (context.batch !== 1)
      throw new UnsupportedError([`${context.op}: a constant of ${formatShape(shape)}`]);
    return beside(context, withoutBatch(context, view), constant);
  }
  const sample = full.filter((_, axis) => axis !== batch);
  const order = view.order.filter((axis) => axis !== 0);
  if (order.every((axis, i) => i === 0 || axis > order[i - 1])) {
    // As the file has it where it can be: two readers then have one weight.
    const isSame = shape.length <= view.order.length - 1 - batch;
    return {
      view,
      constant: isSame ? constant : { ...constant, shape: sample, key: keyOf(constant, sample) },
    };
  }
  const perm = sample.map((_, i) => order.indexOf(i + 1));
  return { view, constant: transposeConstant(keyOf(constant, perm), { ...constant, shape: sample }, perm) };
}

const keyOf = ({ key }: Constant, how: readonly number[]) => `${key}/[${how}]`;

/** A constant as a value beside another: its numbers for every sample. */
export function constantValue(context: Context, given: View, constant: Constant): View {
  const { view, constant: sample } = beside(context, given, constant);
  const rank = context.builder.shapeOf(view.value).length;
  const shape = [...new Array<number>(rank - 1 - sample.shape.length).fill(1), ...sample.shape];
  const zero = zeroOf(context, rank);
  const operand = weightOf(context, sample, shape);
  return {
    value: addOp(context, "add", [zero], { part: "constant", weights: { operand } }),
    order: view.order,
  };
}

/** A value of one 0 a sample, of a rank. */
function zeroOf(context: Context, rank: number): string {
  const { builder } = context;
  const [{ name, shape }] = builder.inputs;
  const ones = shape.slice(1).map(() => 1);
  const zeros = ones.map(() => 0);
  const first =
    sizeOf(shape) === 1
      ? name
      : addOp(context, "slice", [name], {
          part: "first",
          attrs: { begin: zeros, size: ones, strides: ones },
        });
  const operand = builder.put("0", { dtype: "f32", shape: [], data: Float32Array.of(0) });
  const zero = addOp(context, "mask", [first], { part: "zero", weights: { operand } });
  return reshaped(context, zero, [null, ...new Array<number>(rank - 1).fill(1)], "zeros");
}

/** An operand as a view beside another one. */
export function operandBeside(context: Context, view: View, { value, order, constant }: Operand): View {
  if (constant) return constantValue(context, view, constant);
  return viewOf(context, value as string, order);
}

/** Ops that choose places by numbers, or put numbers there. */

import { UnsupportedError } from "../../errors.js";
import { formatShape, sizeOf } from "../../shape.js";
import { asView, choose, combine, rankOf, reduce, splitAxis } from "./compute.js";
import {
  axisOf,
  type Constant,
  type Context,
  constantAt,
  constantOf,
  type GraphRule,
  type GraphRules,
  integersAt,
  type Operand,
  weightOf,
} from "./constant.js";
import { checkedSize } from "./fold.js";
import { sizeAlong } from "./reductions.js";
import { addOp, canonical, reshaped, sizesOf, viewOf, withoutBatch } from "./view.js";

/** Rows of a constant, or places along an axis. */
const gather: GraphRule = {
  inputs: { min: 2, max: 3 },
  unsupported: ({ op, attrs }) => (attrs.number("batch_dims", 0) === 0 ? [] : [`${op}: batch_dims`]),
  add(context) {
    const [params, indices, axisOperand] = context.operands;
    const given = axisOperand ? integersAt(context, 2)[0] : 0;
    const axis = axisOf(context, given, rankOf(context, params));
    if (!indices.constant) return [embed(context, params, indices, axis)];
    const chosenOnes = places(context, indices.constant, sizeAlong(context, params, axis));
    const flat = choose(context, params, axis, chosenOnes, "rows");
    return [splitAxis(context, flat, axis, indices.constant.shape)];
  },
};

function places({ name }: Context, { data }: Constant, size: number): readonly number[] {
  const all = Array.from(data, (i) => (i < 0 ? i + size : i));
  if (all.every((i) => Number.isInteger(i) && i >= 0 && i < size)) return all;
  throw new RangeError(`node ${name}: wanted indices below ${size}, got ${Array.from(data)}`);
}

function embed(context: Context, { constant }: Operand, indices: Operand, axis: number): Operand {
  if (!constant) throw new UnsupportedError([`${context.op}: input 1 not constant`]);
  if (axis !== 0) {
    throw new UnsupportedError([
      `${context.op}: axis ${axis} of a constant of ${formatShape(constant.shape)}`,
    ]);
  }
  const [rows, ...rest] = constant.shape;
  const view = canonical(context, asView(context, indices));
  const isMatrix = rest.length === 1;
  const embeddings = weightOf(context, constant, isMatrix ? undefined : [rows, sizeOf(rest)]);
  const part = isMatrix ? {} : { part: "rows" };
  const value = addOp(context, "embedding", [view.value], { ...part, weights: { embeddings } });
  const rank = context.builder.shapeOf(value).length;
  if (isMatrix) return { value, order: [...view.order, rank - 1] };
  const shape = [...context.builder.shapeOf(value).slice(0, -1), ...rest];
  return {
    value: reshaped(context, value, shape),
    order: [...view.order, ...rest.map((_, i) => rank - 1 + i)],
  };
}

/** Elements, or slices, that lists of indices name. */
const gatherNd: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const [params, indices] = context.operands;
    const depth = sizeAlong(context, indices, -1);
    const sizes = params.constant ? params.constant.shape : sizesOf(context, asView(context, params));
    const [head, tail] = [sizes.slice(0, depth), sizes.slice(depth)].map((dims) =>
      dims.map((dim) => dim ?? 1),
    );
    const strides = head.map((_, i) => sizeOf(head.slice(i + 1)));
    const product = combine(
      context,
      "multiply",
      indices,
      constantOf(`${context.name}/strides`, [depth], strides, indices.constant?.isFloat ?? true),
      "parts",
    );
    const flat = reduce(context, "sum", product, [rankOf(context, indices) - 1], false, "flat");
    const rows = flatRows(context, params, [sizeOf(head), ...tail]);
    if (!flat.constant) return [embed(context, rows, flat, 0)];
    const chosenOnes = choose(context, rows, 0, places(context, flat.constant, sizeOf(head)), "rows");
    return [splitAxis(context, chosenOnes, 0, flat.constant.shape)];
  },
};

/** The first axes of a tensor as one. */
function flatRows(context: Context, params: Operand, shape: readonly number[]): Operand {
  if (params.constant) return { constant: { ...params.constant, shape } };
  if (context.batch !== 1) throw new UnsupportedError([`${context.op}: of the batch`]);
  const whole = canonical(
    context,
    withoutBatch(context, viewOf(context, params.value as string, params.order)),
  );
  return {
    value: reshaped(context, whole.value, [null, ...shape], "flat"),
    order: shape.map((_, i) => i + 1),
  };
}

/** Numbers at the places that lists of indices name, another one elsewhere. */
function scattered(
  context: Context,
  indices: Constant,
  shape: readonly number[],
  values: Constant,
  initial: number,
): Operand {
  const data = new Array<number>(checkedSize(context.name, shape)).fill(initial);
  // A vector has one index for each, a number is one.
  const depth =
    indices.shape.length > 1
      ? (indices.shape.at(-1) as number)
      : shape.length === 1
        ? 1
        : indices.data.length;
  const run = sizeOf(shape.slice(depth));
  for (let i = 0; i < indices.data.length / depth; i++) {
    const place = shape.slice(0, depth).reduce((offset, dim, axis) => {
      const index = indices.data[i * depth + axis];
      if (index >= 0 && index < dim) return offset * dim + index;
      throw new RangeError(`node ${context.name}: wanted indices below ${dim}, got ${index}`);
    }, 0);
    for (let j = 0; j < run; j++) {
      const value = values.data[values.data.length === 1 ? 0 : i * run + j];
      // ScatterNd adds up what has one place; a sparse tensor has each place once.
      data[place * run + j] = context.op === "ScatterNd" ? data[place * run + j] + value : value;
    }
  }
  return constantOf(context.name, shape, values.isFloat ? Float32Array.from(data) : data, values.isFloat);
}

const sparseToDense: GraphRule = {
  inputs: { min: 3, max: 4 },
  ofConstants: true,
  add(context) {
    const initial = context.operands.length > 3 ? constantAt(context, 3).data[0] : 0;
    return [
      scattered(context, constantAt(context, 0), integersAt(context, 1), constantAt(context, 2), initial),
    ];
  },
};

const scatterNd: GraphRule = {
  inputs: { min: 3, max: 3 },
  ofConstants: true,
  add: (context) => [
    scattered(context, constantAt(context, 0), integersAt(context, 2), constantAt(context, 1), 0),
  ],
};

export const gatherRules: GraphRules = {
  Gather: gather,
  GatherNd: gatherNd,
  GatherV2: gather,
  ScatterNd: scatterNd,
  SparseToDense: sparseToDense,
};

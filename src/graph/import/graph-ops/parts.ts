/** Ops that join tensors, or take parts of them. */

import { UnsupportedError } from "../../errors.js";
import { formatShape, sizeOf } from "../../shape.js";
import {
  asView,
  choose,
  collapse,
  combine,
  expand,
  join,
  type Portion,
  portion,
  portions,
  rankOf,
  reduce,
  splitAxis,
} from "./compute.js";
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
import { stridedSlice } from "./strided-slice.js";
import { addOp, canonical, reshaped, sizesOf, viewOf, withoutBatch } from "./view.js";

/** @param isFirst where the axis is: V1 has it before the values */
const concat = (isFirst: boolean): GraphRule => ({
  inputs: { min: 2, max: Number.POSITIVE_INFINITY },
  add(context) {
    const { operands } = context;
    const [axis] = integersAt(context, isFirst ? 0 : operands.length - 1);
    const values = isFirst ? operands.slice(1) : operands.slice(0, -1);
    // Of vectors some may be empty; nothing else can be.
    const filled = values.filter(({ constant }) => constant?.data.length !== 0);
    return [join(context, filled.length > 0 ? filled : values, axis)];
  },
});

/** A new axis, and values along it. */
export function stack(context: Context, operands: readonly Operand[], given: number): Operand {
  const axis = axisOf(context, given, rankOf(context, operands[0]) + 1);
  const rows = operands.map((operand, i) => expand(context, operand, axis, `${i}`));
  return join(context, rows, axis);
}

const pack: GraphRule = {
  inputs: { min: 1, max: Number.POSITIVE_INFINITY },
  add: (context) => [stack(context, context.operands, context.attrs.number("axis", 0))],
};

/** As many outputs as a node may have here; each is a node of the graph. */
const maxParts = 65_536;

function countOf({ name, attrs }: Context, key: string, initial: number): number {
  const count = attrs.number(key, initial);
  if (Number.isInteger(count) && count >= 1 && count <= maxParts) return count;
  throw new RangeError(`node ${name}: ${key} wants 1 to ${maxParts}, got ${count}`);
}

const named = ({ name }: Context, i: number) => (i === 0 ? name : `${name}:${i}`);

function split(context: Context, x: Operand, given: number, sizes: readonly number[]): readonly Operand[] {
  const axis = axisOf(context, given, rankOf(context, x));
  const all = sizeAlong(context, x, axis);
  const known = sizes.filter((size) => size !== -1).reduce((a, b) => a + b, 0);
  let from = 0;
  return sizes.map((size, i) => {
    const cells = size === -1 ? all - known : size;
    const part = portion({ ...context, name: named(context, i) }, x, axis, { from, size: cells });
    from += cells;
    return part;
  });
}

const splitEven: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const count = countOf(context, "num_split", 1);
    const [axis] = integersAt(context, 0);
    const size = sizeAlong(context, context.operands[1], axis) / count;
    if (!Number.isInteger(size))
      throw new RangeError(`node ${context.name}: wanted ${count} parts of one size`);
    return split(context, context.operands[1], axis, new Array<number>(count).fill(size));
  },
};

const splitV: GraphRule = {
  inputs: { min: 3, max: 3 },
  add: (context) => split(context, context.operands[0], integersAt(context, 2)[0], integersAt(context, 1)),
};

/** The tensors along an axis, without it. */
export function unstack(context: Context, x: Operand, given: number, count?: number): readonly Operand[] {
  const axis = axisOf(context, given, rankOf(context, x));
  const size = sizeAlong(context, x, axis);
  if (count !== undefined && count !== size) {
    throw new RangeError(`node ${context.name}: wanted ${count} tensors along axis ${given}, got ${size}`);
  }
  const inner = { ...context, name: `${context.name}/parts` };
  return split(inner, x, axis, new Array<number>(size).fill(1)).map((part, i) =>
    collapse({ ...context, name: named(context, i) }, part, [axis]),
  );
}

const unpack: GraphRule = {
  inputs: { min: 1, max: 1 },
  add(context) {
    const axis = context.attrs.number("axis", 0);
    const size = sizeAlong(context, context.operands[0], axis);
    return unstack(context, context.operands[0], axis, countOf(context, "num", size));
  },
};

const slice: GraphRule = {
  inputs: { min: 3, max: 3 },
  add(context) {
    const [x] = context.operands;
    const [begin, size] = [integersAt(context, 1), integersAt(context, 2)];
    const places = new Map<number, Portion>();
    for (const [axis, from] of begin.entries()) {
      const isBatch = !x.constant && asView(context, x).order[axis] === 0;
      if (isBatch && context.batch !== 1) {
        const isWhole = from === 0 && (size[axis] === -1 || size[axis] === 1 || Number.isNaN(size[axis]));
        if (!isWhole) throw new UnsupportedError(["Slice: of the batch"]);
        continue;
      }
      const dim = isBatch ? 1 : sizeAlong(context, x, axis);
      const cells = size[axis] === -1 || Number.isNaN(size[axis]) ? dim - from : size[axis];
      if (from !== 0 || cells !== dim) places.set(axis, { from, size: cells });
    }
    return [places.size === 0 ? x : portions(context, x, places)];
  },
};

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

const tile: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const times = integersAt(context, 1);
    let [result] = context.operands;
    for (const [axis, count] of times.entries()) {
      // As often as the batch is large: of a constant that is what it means beside a value.
      if (count === 1 || Number.isNaN(count)) continue;
      const size = sizeAlong(context, result, axis);
      checkedSize(context.name, [size, count]);
      const indices = Array.from({ length: size * count }, (_, i) => i % size);
      result = choose(context, result, axis, indices, `${axis}`);
    }
    return [result];
  },
};

const reverse: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const [x] = context.operands;
    let result = x;
    for (const given of integersAt(context, 1)) {
      const axis = axisOf(context, given, rankOf(context, x));
      const size = sizeAlong(context, result, axis);
      result = portion(context, result, axis, { from: size - 1, size, step: -1 }, `${axis}`);
    }
    return [result];
  },
};

export const partRules: GraphRules = {
  Concat: concat(true),
  ConcatV2: concat(false),
  Gather: gather,
  GatherNd: gatherNd,
  GatherV2: gather,
  Pack: pack,
  ReverseV2: reverse,
  ScatterNd: scatterNd,
  Slice: slice,
  SparseToDense: sparseToDense,
  Split: splitEven,
  SplitV: splitV,
  StridedSlice: stridedSlice,
  Tile: tile,
  Unpack: unpack,
};

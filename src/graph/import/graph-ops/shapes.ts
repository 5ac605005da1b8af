/** Ops that give another shape, order or type, or sizes of which models compute shapes. */

import { UnsupportedError } from "../../errors.js";
import { formatShape, sizeOf } from "../../shape.js";
import type { Dim } from "../../types.js";
import { apply, asView, broadcast, collapse, combine, expand, permute, rankOf } from "./compute.js";
import {
  axisOf,
  type Context,
  constantAt,
  constantOf,
  type GraphRule,
  type GraphRules,
  integersAt,
  type Operand,
} from "./constant.js";
import { not } from "./elements.js";
import { checkedSize } from "./fold.js";
import { batchOf, canonical, reshaped, sizesOf, type View, withoutBatch } from "./view.js";

const same: GraphRule = { inputs: { min: 1, max: 1 }, blocks: "keep", add: ({ operands }) => operands };

const first: GraphRule = {
  inputs: { min: 1, max: Number.POSITIVE_INFINITY },
  add: ({ operands }) => [operands[0]],
};

const floats = new Set([undefined, "DT_FLOAT", "DT_HALF", "DT_BFLOAT16", "DT_DOUBLE"]);

/** Numbers are f32 in the graph: of casts only those that cut, or make a boolean, change them. */
const cast: GraphRule = {
  inputs: { min: 1, max: 1 },
  add(context) {
    const [x] = context.operands;
    const [from, to] = [context.attrs.type("SrcT"), context.attrs.type("DstT")];
    if (to === "DT_STRING" || to === "DT_COMPLEX64") throw new UnsupportedError([`Cast: ${from} to ${to}`]);
    const isFloat = floats.has(to);
    const isSame = isFloat || !floats.has(from);
    if (x.constant) {
      const cut = to === "DT_BOOL" ? (value: number) => Number(value !== 0) : Math.trunc;
      if (isFloat) return [{ constant: { ...x.constant, isFloat } }];
      return [constantOf(context.name, x.constant.shape, Array.from(x.constant.data, cut), false)];
    }
    if (to === "DT_BOOL" && from !== "DT_BOOL") return [not(context, not(context, x, "zero"))];
    if (isSame || context.readers.every((reader) => isRowNumber(context.name, reader))) return [x];
    return [apply(context, "trunc", x)];
  },
};

/** An embedding cuts to whole numbers itself. */
function isRowNumber(name: string, reader: Context["readers"][number]): boolean {
  const isGather = reader?.op === "Gather" || reader?.op === "GatherV2";
  return (
    isGather && reader.inputs.every((input, i) => (i === 1) === (input === name || input === `${name}:0`))
  );
}

/** NaN stands for a batch that is open. */
function knownSizes(context: Context, operand: Operand): readonly number[] {
  if (operand.constant) return operand.constant.shape;
  const open = context.batch === 1 ? 1 : Number.NaN;
  return sizesOf(context, asView(context, operand)).map((dim) => dim ?? open);
}

const ofSizes = (compute: (sizes: readonly number[]) => readonly number[] | number): GraphRule => ({
  inputs: { min: 1, max: 1 },
  makesConstants: true,
  add(context) {
    const result = compute(knownSizes(context, context.operands[0]));
    if (typeof result === "number") return [constantOf(context.name, [], [result], false)];
    return [constantOf(context.name, [result.length], result, false)];
  },
});

const shapesOf: GraphRule = {
  inputs: { min: 1, max: Number.POSITIVE_INFINITY },
  makesConstants: true,
  add: (context) =>
    context.operands.map((operand, i) => {
      const sizes = knownSizes(context, operand);
      return constantOf(`${context.name}:${i}`, [sizes.length], sizes, false);
    }),
};

const reshape: GraphRule = {
  inputs: { min: 2, max: 2 },
  add: (context) => [reshapeTo(context, context.operands[0], integersAt(context, 1))],
};

/** @param target with -1 for a size that follows, NaN for the batch */
function reshapeTo(context: Context, x: Operand, target: readonly number[]): Operand {
  if (x.constant) {
    const shape = resolve(
      target.map((size) => (Number.isNaN(size) ? 1 : size)),
      x.constant.data.length,
    );
    if (shape) return { constant: { ...x.constant, key: context.name, shape } };
    throw new RangeError(`node ${context.name}: wanted ${x.constant.data.length} elements, got [${target}]`);
  }
  const view = canonical(context, asView(context, x));
  const sizes = sizesOf(context, view);
  const kept = keepingBatch(context, view, sizes, target);
  if (kept) return kept;
  if (context.batch === 1) {
    const whole = canonical(context, withoutBatch(context, view));
    const size = sizeOf(context.builder.shapeOf(whole.value));
    const shape = resolve(
      target.map((each) => (Number.isNaN(each) ? 1 : each)),
      size,
    );
    if (shape)
      return { value: reshaped(context, whole.value, [null, ...shape]), order: shape.map((_, i) => i + 1) };
  }
  throw new UnsupportedError([`Reshape: ${formatShape(sizes)} to ${formatShape(target)}`]);
}

/** A reshape of what is before the batch and what is after it; undefined where it is more. */
function keepingBatch(
  context: Context,
  view: View,
  sizes: readonly Dim[],
  target: readonly number[],
): Operand | undefined {
  const at = batchOf(view);
  if (at < 0) return undefined;
  const [before, after] = [sizes.slice(0, at), sizes.slice(at + 1)].map(sizeOf);
  const isBatch = (size: number, place: number) =>
    Number.isNaN(size) || size === context.batch || size === -1 || (size === 1 && at === 0 && place === 0);
  const named = target.findIndex((size) => Number.isNaN(size));
  const places =
    named >= 0 ? [named] : target.flatMap((size, place) => (isBatch(size, place) ? [place] : []));
  for (const place of places) {
    const [head, tail] = [target.slice(0, place), target.slice(place + 1)];
    if (target[place] === -1 && [...head, ...tail].includes(-1)) continue;
    const parts = [resolve(head, before), resolve(tail, after)];
    if (!parts[0] || !parts[1]) continue;
    const sample = [...parts[0], ...parts[1]];
    const order = sample.map((_, i) => i + 1).toSpliced(place, 0, 0);
    return { value: reshaped(context, view.value, [null, ...sample]), order };
  }
  return undefined;
}

/** The sizes with -1 resolved; undefined where they do not hold `size` elements. */
function resolve(target: readonly number[], size: number): readonly number[] | undefined {
  const known = target.filter((dim) => dim !== -1).reduce((product, dim) => product * dim, 1);
  const shape = target.map((dim) => (dim === -1 ? size / known : dim));
  const isWhole = shape.every((dim) => Number.isSafeInteger(dim) && dim > 0);
  return isWhole && sizeOf(shape) === size ? shape : undefined;
}

const squeeze: GraphRule = {
  blocks: "take",
  inputs: { min: 1, max: 1 },
  add(context) {
    const [x] = context.operands;
    const sizes = knownSizes(context, x);
    const given = context.attrs.numbers("squeeze_dims");
    const named = given.length > 0 ? given : context.attrs.numbers("axis");
    const all = sizes.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
    const axes = named.length > 0 ? named.map((axis) => axisOf(context, axis, sizes.length)) : all;
    const wide = axes.find((axis) => sizes[axis] !== 1 && !Number.isNaN(sizes[axis]));
    if (wide !== undefined) {
      throw new RangeError(
        `node ${context.name}: wanted a size of 1 on axis ${wide}, got ${formatShape(sizes)}`,
      );
    }
    const blocks = x.blocks?.filter((_, axis) => !axes.includes(axis));
    return [{ ...collapse(context, x, axes), ...(blocks && { blocks }) }];
  },
};

const expandDims: GraphRule = {
  blocks: "take",
  inputs: { min: 2, max: 2 },
  add(context) {
    const [x] = context.operands;
    const [given] = integersAt(context, 1);
    const axis = axisOf(context, given, rankOf(context, x) + 1);
    const blocks = x.blocks?.toSpliced(axis, 0, 1);
    return [{ ...expand(context, x, axis), ...(blocks && { blocks }) }];
  },
};

/** No node is made: whoever wants the numbers in this order makes one. */
const transpose: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const [x] = context.operands;
    const rank = rankOf(context, x);
    const perm = integersAt(context, 1).map((axis) => axisOf(context, axis, rank));
    if (perm.length !== rank || new Set(perm).size !== rank) {
      throw new RangeError(`node ${context.name}: wanted an order of ${rank} axes, got [${perm}]`);
    }
    return [permute(context, x, perm)];
  },
};

/** Sizes of the batch are 1: what is filled is the same for every sample. */
const sample = (sizes: readonly number[]) => sizes.map((size) => (Number.isNaN(size) ? 1 : size));

const fill: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const shape = sample(integersAt(context, 0));
    const { data, isFloat } = constantAt(context, 1);
    const size = checkedSize(context.name, shape);
    return [constantOf(context.name, shape, new Array<number>(size).fill(data[0]), isFloat)];
  },
};

const filledWith = (value: number): GraphRule => ({
  inputs: { min: 1, max: 1 },
  add(context) {
    const shape = sample(integersAt(context, 0));
    const data = new Array<number>(checkedSize(context.name, shape)).fill(value);
    return [constantOf(context.name, shape, data, context.attrs.type("T") !== "DT_INT32")];
  },
});

const range: GraphRule = {
  inputs: { min: 3, max: 3 },
  add(context) {
    const [start, limit, delta] = [0, 1, 2].map((i) => constantAt(context, i));
    const count = Math.max(0, Math.ceil((limit.data[0] - start.data[0]) / delta.data[0]));
    if (!Number.isFinite(count)) throw new UnsupportedError([`${context.op}: a size that is open`]);
    checkedSize(context.name, [count]);
    const data = Array.from({ length: count }, (_, i) => start.data[0] + i * delta.data[0]);
    return [constantOf(context.name, [count], data, start.isFloat)];
  },
};

const linSpace: GraphRule = {
  inputs: { min: 3, max: 3 },
  add(context) {
    const [start, stop, count] = [0, 1, 2].map((i) => integersAt(context, i)[0]);
    checkedSize(context.name, [count]);
    const step = count > 1 ? (stop - start) / (count - 1) : 0;
    const data = Array.from({ length: count }, (_, i) => start + i * step);
    return [constantOf(context.name, [count], data, true)];
  },
};

const broadcastTo: GraphRule = {
  inputs: { min: 2, max: 2 },
  add: (context) => [broadcast(context, context.operands[0], integersAt(context, 1))],
};

/** The part of a matrix around its diagonal, of a mask that is known or of values. */
const bandPart: GraphRule = {
  inputs: { min: 3, max: 3 },
  add(context) {
    const [x] = context.operands;
    const [lower, upper] = [1, 2].map((i) => integersAt(context, i)[0]);
    const [rows, columns] = knownSizes(context, x).slice(-2);
    checkedSize(context.name, [rows, columns]);
    const band = Array.from({ length: rows * columns }, (_, i) => {
      const below = Math.floor(i / columns) - (i % columns);
      return Number((lower < 0 || below <= lower) && (upper < 0 || -below <= upper));
    });
    const mask = constantOf(`${context.name}/band`, [rows, columns], band, true);
    return [combine(context, "mask", x, mask)];
  },
};

export const shapeRules: GraphRules = {
  BroadcastTo: broadcastTo,
  Cast: cast,
  EnsureShape: first,
  ExpandDims: expandDims,
  // As tfjs has it.
  FakeQuantWithMinMaxVars: first,
  Fill: fill,
  Identity: same,
  IdentityN: { ...same, inputs: { min: 1, max: Number.POSITIVE_INFINITY } },
  LinSpace: linSpace,
  MatrixBandPart: bandPart,
  Ones: filledWith(1),
  PlaceholderWithDefault: same,
  Range: range,
  Rank: ofSizes((sizes) => sizes.length),
  Reshape: reshape,
  Shape: ofSizes((sizes) => sizes),
  ShapeN: shapesOf,
  Size: ofSizes((sizes) => sizes.reduce((product, size) => product * size, 1)),
  Snapshot: same,
  Squeeze: squeeze,
  StopGradient: same,
  Transpose: transpose,
  Zeros: filledWith(0),
};

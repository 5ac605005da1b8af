/** Ops that join values, or take parts of them. */

import { UnsupportedError } from "../../errors.js";
import { formatShape } from "../../shape.js";
import {
  type Constant,
  type Context,
  constantAt,
  constantOf,
  type GraphRule,
  type GraphRules,
  integersAt,
  type Operand,
  sampleAxis,
  shapeAt,
  valueAt,
  weightOf,
} from "./constant.js";
import { addReshape } from "./shapes.js";
import { stridedSlice } from "./strided-slice.js";

function addConcat(context: Context, operands: readonly Operand[], given: number): Operand {
  const constants = operands.map(({ constant }) => constant);
  if (constants.every((constant): constant is Constant => constant !== undefined)) {
    // Sizes are vectors or single numbers.
    if (constants.some(({ shape }) => shape.length > 1))
      throw new UnsupportedError([`${context.op} of constants`]);
    const data = constants.flatMap((constant) => Array.from(constant.data));
    return constantOf(context.name, [data.length], data, constants[0].isFloat);
  }
  const values = operands.map((_, i) => valueAt({ ...context, operands }, i));
  const axis = sampleAxis(context, given, context.builder.shapeOf(values[0]).length);
  return { value: context.builder.add(context.name, "concat", values, { attrs: { axis } }) };
}

const concat: GraphRule = {
  inputs: { min: 2, max: Number.POSITIVE_INFINITY },
  add(context) {
    const { operands } = context;
    const [axis] = integersAt(context, operands.length - 1);
    return [addConcat(context, operands.slice(0, -1), axis)];
  },
};

/** A new axis, and values along it. */
const pack: GraphRule = {
  inputs: { min: 1, max: Number.POSITIVE_INFINITY },
  add(context) {
    const { operands, attrs } = context;
    const given = attrs.number("axis", 0);
    if (operands.every(({ constant }) => constant?.shape.length === 0))
      return [addConcat(context, operands, 0)];
    const rank = shapeAt(context, 0).length + 1;
    const axis = sampleAxis(context, given, rank);
    const rows = operands.map((_, i) =>
      addReshape(
        context,
        `${context.name}/${i}`,
        valueAt(context, i),
        shapeAt(context, i).toSpliced(axis, 0, 1),
      ),
    );
    return [addConcat(context, rows, axis)];
  },
};

/** Adds a part of a value along one axis. */
function addPart(
  context: Context,
  name: string,
  value: string,
  axis: number,
  from: number,
  size: number,
): Operand {
  const sample = context.builder.shapeOf(value).slice(1) as readonly number[];
  const attrs = {
    begin: sample.map((_, i) => (i === axis - 1 ? from : 0)),
    size: sample.with(axis - 1, size),
    strides: sample.map(() => 1),
  };
  return { value: context.builder.add(name, "slice", [value], { attrs }) };
}

function addParts(
  context: Context,
  input: number,
  given: number,
  sizes: readonly number[],
): readonly Operand[] {
  const shape = shapeAt(context, input);
  const axis = sampleAxis(context, given, shape.length);
  const known = sizes.filter((size) => size !== -1).reduce((a, b) => a + b, 0);
  let from = 0;
  return sizes.map((size, i) => {
    const cells = size === -1 ? (shape[axis] as number) - known : size;
    const name = i === 0 ? context.name : `${context.name}:${i}`;
    const part = addPart(context, name, valueAt(context, input), axis, from, cells);
    from += cells;
    return part;
  });
}

/** As many outputs as a node may have here; each is a node of the graph. */
const maxParts = 65_536;

function countOf({ name, attrs }: Context, key: string, initial: number): number {
  const count = attrs.number(key, initial);
  if (Number.isInteger(count) && count >= 1 && count <= maxParts) return count;
  throw new RangeError(`node ${name}: ${key} wants 1 to ${maxParts}, got ${count}`);
}

const split: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const count = countOf(context, "num_split", 1);
    const [axis] = integersAt(context, 0);
    const shape = shapeAt(context, 1);
    const size = (shape[sampleAxis(context, axis, shape.length)] as number) / count;
    return addParts(context, 1, axis, new Array<number>(count).fill(size));
  },
};

const splitV: GraphRule = {
  inputs: { min: 3, max: 3 },
  add: (context) => addParts(context, 0, integersAt(context, 2)[0], integersAt(context, 1)),
};

const unpack: GraphRule = {
  inputs: { min: 1, max: 1 },
  add(context) {
    const shape = shapeAt(context, 0);
    const axis = sampleAxis(context, context.attrs.number("axis", 0), shape.length);
    const count = countOf(context, "num", shape[axis] as number);
    const inner = { ...context, name: `${context.name}/parts` };
    const parts = addParts(inner, 0, axis, new Array<number>(count).fill(1));
    return parts.map(({ value }, i) => {
      const name = i === 0 ? context.name : `${context.name}:${i}`;
      return addReshape(context, name, value as string, shape.toSpliced(axis, 1));
    });
  },
};

const slice: GraphRule = {
  inputs: { min: 3, max: 3 },
  add(context) {
    const [begin, size] = [integersAt(context, 1), integersAt(context, 2)];
    const [, ...sample] = shapeAt(context, 0) as readonly number[];
    const wholeBatch = begin[0] === 0 && (size[0] === -1 || size[0] === 1 || Number.isNaN(size[0]));
    if (!wholeBatch) throw new UnsupportedError(["Slice: of the batch"]);
    const attrs = {
      begin: begin.slice(1),
      size: sample.map((dim, i) => (size[i + 1] === -1 ? dim - begin[i + 1] : size[i + 1])),
      strides: sample.map(() => 1),
    };
    return [{ value: context.builder.add(context.name, "slice", [valueAt(context, 0)], { attrs }) }];
  },
};

/** Rows of a constant matrix, places along an axis of a value, or numbers out of sizes. */
const gather: GraphRule = {
  inputs: { min: 2, max: 3 },
  unsupported: ({ op, attrs }) => (attrs.number("batch_dims", 0) === 0 ? [] : [`${op}: batch_dims`]),
  add(context) {
    const [params, indices, axisOperand] = context.operands;
    const given = axisOperand ? integersAt(context, 2)[0] : 0;
    if (params.constant && indices.constant)
      return [gatherNumbers(context, params.constant, indices.constant)];
    if (params.constant) {
      if (given !== 0 || params.constant.shape.length !== 2) {
        throw new UnsupportedError([
          `${context.op}: axis ${given} of a constant of ${formatShape(params.constant.shape)}`,
        ]);
      }
      const weights = { embeddings: weightOf(context, params.constant) };
      return [{ value: context.builder.add(context.name, "embedding", [valueAt(context, 1)], { weights }) }];
    }
    const chosen = constantAt(context, 1);
    const shape = shapeAt(context, 0);
    const axis = sampleAxis(context, given, shape.length);
    if (chosen.shape.length > 1)
      throw new UnsupportedError([`${context.op}: indices of ${formatShape(chosen.shape)}`]);
    const places = Array.from(chosen.data, (i) => (i < 0 ? i + (shape[axis] as number) : i));
    const isScalar = chosen.shape.length === 0;
    const name = isScalar ? `${context.name}/row` : context.name;
    const value = context.builder.add(name, "gather", [valueAt(context, 0)], {
      attrs: { axis, indices: places },
    });
    return [isScalar ? addReshape(context, context.name, value, shape.toSpliced(axis, 1)) : { value }];
  },
};

function gatherNumbers(
  { op, name }: Context,
  { shape, data, isFloat }: Constant,
  indices: Constant,
): Operand {
  if (shape.length !== 1) throw new UnsupportedError([`${op} of a constant`]);
  const values = Array.from(indices.data, (i) => data[i < 0 ? i + shape[0] : i]);
  if (values.includes(undefined as unknown as number)) {
    throw new RangeError(`node ${name}: wanted indices below ${shape[0]}, got ${Array.from(indices.data)}`);
  }
  return constantOf(name, indices.shape, values, isFloat);
}

export const partRules: GraphRules = {
  ConcatV2: concat,
  Gather: gather,
  GatherV2: gather,
  Pack: pack,
  Slice: slice,
  Split: split,
  SplitV: splitV,
  StridedSlice: stridedSlice,
  Unpack: unpack,
};

/** Ops that give values, or constants of which models compute sizes, another shape or type. */

import { UnsupportedError } from "../../errors.js";
import { formatShape, sizeOf } from "../../shape.js";
import type { Shape } from "../../types.js";
import {
  type Context,
  constantOf,
  type GraphRule,
  type GraphRules,
  integersAt,
  type Operand,
  sampleAxis,
  shapeAt,
  valueAt,
} from "./constant.js";

export function addReshape({ builder }: Context, name: string, value: string, shape: Shape): Operand {
  return { value: builder.add(name, "reshape", [value], { attrs: { shape } }) };
}

const same: GraphRule = { inputs: { min: 1, max: 1 }, add: ({ operands }) => operands };

/** Numbers are f32 in the graph, so that only a cast that cuts would change them. */
const cast: GraphRule = {
  inputs: { min: 1, max: 1 },
  unsupported({ attrs }) {
    const [from, to] = [attrs.type("SrcT"), attrs.type("DstT")];
    const isFloat = (type: string | undefined) =>
      type === "DT_FLOAT" || type === "DT_HALF" || type === undefined;
    return isFloat(to) || !isFloat(from) ? [] : [`Cast: ${from} to ${to}`];
  },
  add({ operands: [operand], attrs }) {
    if (!operand.constant) return [operand];
    const isFloat = attrs.type("DstT") === "DT_FLOAT";
    return [{ constant: { ...operand.constant, isFloat } }];
  },
};

const shapeOf: GraphRule = {
  inputs: { min: 1, max: 1 },
  makesConstants: true,
  add(context) {
    const { constant } = context.operands[0];
    const shape = constant ? constant.shape : shapeAt(context, 0);
    return [
      constantOf(
        context.name,
        [shape.length],
        shape.map((dim) => dim ?? Number.NaN),
        false,
      ),
    ];
  },
};

const reshape: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const target = integersAt(context, 1);
    const { constant } = context.operands[0];
    if (constant) {
      const shape = resolve(target, constant.data.length);
      if (!shape)
        throw new RangeError(
          `node ${context.name}: wanted ${constant.data.length} elements, got [${target}]`,
        );
      return [{ constant: { ...constant, key: context.name, shape } }];
    }
    const from = shapeAt(context, 0);
    const [batch, ...rest] = target;
    // A model of a fixed batch has its number here, and it stands for any.
    const keepsBatch = Number.isNaN(batch) || batch === -1 || batch === 1;
    const open = batch === -1 && rest.includes(-1);
    const shape = keepsBatch && !open ? resolve(rest, sizeOf(from)) : undefined;
    if (!shape) throw new UnsupportedError([`Reshape: ${formatShape(from)} to ${formatShape(target)}`]);
    return [addReshape(context, context.name, valueAt(context, 0), [null, ...shape])];
  },
};

/** The sizes with -1 resolved; undefined where they do not hold `size` elements. */
function resolve(target: readonly number[], size: number): readonly number[] | undefined {
  const known = target.filter((dim) => dim !== -1).reduce((product, dim) => product * dim, 1);
  const shape = target.map((dim) => (dim === -1 ? size / known : dim));
  const isWhole = shape.every((dim) => Number.isSafeInteger(dim) && dim > 0);
  return isWhole && sizeOf(shape) === size ? shape : undefined;
}

const squeeze: GraphRule = {
  inputs: { min: 1, max: 1 },
  add(context) {
    const { constant } = context.operands[0];
    const shape = constant ? constant.shape : shapeAt(context, 0);
    const given = context.attrs.numbers("squeeze_dims");
    const named = given.length > 0 ? given : context.attrs.numbers("axis");
    const axes = named.map((axis) =>
      constant ? (axis + shape.length) % shape.length : sampleAxis(context, axis, shape.length),
    );
    const kept = shape.filter((dim, axis) => (axes.length > 0 ? !axes.includes(axis) : dim !== 1));
    if (constant) return [{ constant: { ...constant, key: context.name, shape: kept as number[] } }];
    return [addReshape(context, context.name, valueAt(context, 0), kept)];
  },
};

const expandDims: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const { constant } = context.operands[0];
    const shape = constant ? constant.shape : shapeAt(context, 0);
    const [given] = integersAt(context, 1);
    if (constant) {
      const axis = given < 0 ? given + shape.length + 1 : given;
      return [{ constant: { ...constant, key: context.name, shape: constant.shape.toSpliced(axis, 0, 1) } }];
    }
    return [
      addReshape(
        context,
        context.name,
        valueAt(context, 0),
        shape.toSpliced(sampleAxis(context, given, shape.length + 1), 0, 1),
      ),
    ];
  },
};

const transpose: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const rank = shapeAt(context, 0).length;
    const perm = integersAt(context, 1).map((axis) => (axis < 0 ? axis + rank : axis));
    if (perm[0] !== 0) throw new UnsupportedError([`Transpose: ${formatShape(perm)}, of the batch`]);
    return [
      { value: context.builder.add(context.name, "transpose", [valueAt(context, 0)], { attrs: { perm } }) },
    ];
  },
};

export const shapeRules: GraphRules = {
  Cast: cast,
  ExpandDims: expandDims,
  Identity: same,
  IdentityN: { ...same, inputs: { min: 1, max: Number.POSITIVE_INFINITY } },
  PlaceholderWithDefault: same,
  Reshape: reshape,
  Shape: shapeOf,
  Snapshot: same,
  Squeeze: squeeze,
  StopGradient: same,
  Transpose: transpose,
};

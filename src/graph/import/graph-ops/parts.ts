/** Ops that join tensors, or take parts of them. */

import { UnsupportedError } from "../../errors.js";
import { formatShape } from "../../shape.js";
import {
  asView,
  choose,
  collapse,
  expand,
  join,
  type Portion,
  portion,
  portions,
  rankOf,
} from "./compute.js";
import {
  axisOf,
  type Context,
  type GraphRule,
  type GraphRules,
  integersAt,
  type Operand,
} from "./constant.js";
import { checkedSize } from "./fold.js";
import { sizeAlong } from "./reductions.js";
import { stridedSlice } from "./strided-slice.js";

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

const tile: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const times = integersAt(context, 1);
    let [result] = context.operands;
    for (const [axis, count] of times.entries()) {
      // As often as the batch is large: of a constant that is what it means beside a value.
      if (count === 1) continue;
      if (Number.isNaN(count) && result.constant?.shape[axis] === 1) continue;
      if (!(count >= 1)) throw new UnsupportedError([`${context.op}: ${formatShape(times)} times`]);
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
  Pack: pack,
  ReverseV2: reverse,
  Slice: slice,
  Split: splitEven,
  SplitV: splitV,
  StridedSlice: stridedSlice,
  Tile: tile,
  Unpack: unpack,
};

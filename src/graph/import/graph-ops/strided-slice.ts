/** StridedSlice: x[a:b:c, ..., tf.newaxis, i], of values and of sizes. */

import { UnsupportedError } from "../../errors.js";
import type { Dim } from "../../types.js";
import { asView, collapse, expand, type Portion, portions } from "./compute.js";
import { type Context, type GraphRule, integersAt } from "./constant.js";
import { sizesOf } from "./view.js";

/** What is taken of one axis of the input. */
interface Part {
  readonly begin: number;
  readonly size: number;
  readonly stride: number;
  /** The axis is gone: x[i]. */
  readonly isOne: boolean;
}

interface Plan {
  /** For each axis of the input. */
  readonly parts: readonly Part[];
  /** For each axis of the result, the axis of the input, or "new". */
  readonly result: readonly (number | "new")[];
}

/** TensorFlow, core/util/strided_slice_op.h. */
function planOf(context: Context, shape: readonly Dim[]): Plan {
  const [begin, end, strides] = [1, 2, 3].map((i) => integersAt(context, i));
  const mask = (key: string, i: number) => ((context.attrs.number(key, 0) >> i) & 1) === 1;
  const specified = begin.filter((_, i) => !mask("ellipsis_mask", i) && !mask("new_axis_mask", i)).length;
  const parts: Part[] = [];
  const result: (number | "new")[] = [];
  const whole = () => {
    const size = shape[parts.length] ?? Number.NaN;
    result.push(parts.length);
    parts.push({ begin: 0, size, stride: 1, isOne: false });
  };
  for (let i = 0; i < begin.length; i++) {
    if (mask("ellipsis_mask", i)) {
      const until = parts.length + shape.length - specified;
      while (parts.length < until) whole();
    } else if (mask("new_axis_mask", i)) {
      result.push("new");
    } else {
      const range = {
        begin: mask("begin_mask", i) ? undefined : begin[i],
        end: mask("end_mask", i) ? undefined : end[i],
        stride: strides[i],
      };
      const isOne = mask("shrink_axis_mask", i);
      if (!isOne) result.push(parts.length);
      parts.push(partOf(range, shape[parts.length] ?? Number.NaN, isOne));
    }
  }
  while (parts.length < shape.length) whole();
  return { parts, result };
}

function partOf(
  range: { readonly begin: number | undefined; readonly end: number | undefined; readonly stride: number },
  dim: number,
  isOne: boolean,
): Part {
  const { stride } = range;
  const at = (i: number) => (i < 0 ? i + dim : i);
  if (isOne) return { begin: at(range.begin ?? 0), size: 1, stride: 1, isOne };
  // The batch as a whole, however it is written.
  if (Number.isNaN(dim)) {
    const isWhole =
      stride === 1 &&
      (range.begin ?? 0) === 0 &&
      (range.end === undefined || !(range.end < 0 || range.end > 1));
    return { begin: isWhole ? 0 : -1, size: Number.NaN, stride, isOne };
  }
  const [low, high] = stride > 0 ? [0, dim] : [-1, dim - 1];
  const clamp = (i: number) => Math.min(Math.max(at(i), low), high);
  const begin = range.begin === undefined ? (stride > 0 ? low : high) : clamp(range.begin);
  const end = range.end === undefined ? (stride > 0 ? high : low) : clamp(range.end);
  return { begin, size: Math.max(Math.ceil((end - begin) / stride), 0), stride, isOne };
}

export const stridedSlice: GraphRule = {
  inputs: { min: 4, max: 4 },
  add(context) {
    const [x] = context.operands;
    const sizes = x.constant
      ? x.constant.shape
      : sizesOf(context, asView(context, x)).map((dim) => dim ?? (context.batch === 1 ? 1 : null));
    const { parts, result } = planOf(context, sizes);
    const places = new Map<number, Portion>();
    for (const [axis, { begin, size, stride, isOne }] of parts.entries()) {
      const isWhole = begin === 0 && stride === 1 && Object.is(size, sizes[axis] ?? Number.NaN);
      if (isWhole) continue;
      if (sizes[axis] === null) throw new UnsupportedError(["StridedSlice: of the batch"]);
      // A place that there is not: a wrong index, or a part of nothing.
      if (isOne && !(begin >= 0 && begin < (sizes[axis] as number)))
        throw new RangeError(`node ${context.name}: wanted an index below ${sizes[axis]}, got ${begin}`);
      places.set(axis, { from: begin, size, step: stride });
    }
    const gone = parts.flatMap(({ isOne }, axis) => (isOne ? [axis] : []));
    if (gone.some((axis) => sizes[axis] === null)) throw new UnsupportedError(["StridedSlice: of the batch"]);
    const isPlain = gone.length === 0 && !result.includes("new");
    let made = places.size === 0 ? x : portions(context, x, places, isPlain ? undefined : "slice");
    if (gone.length > 0) made = collapse(context, made, gone, result.includes("new") ? "one" : undefined);
    for (const [i, axis] of result.entries()) if (axis === "new") made = expand(context, made, i);
    return [made];
  },
};

/** StridedSlice: x[a:b:c, ..., tf.newaxis, i], of values and of sizes. */

import { UnsupportedError } from "../../errors.js";
import type { Dim } from "../../types.js";
import { type Context, constantOf, type GraphRule, integersAt, shapeAt, valueAt } from "./constant.js";

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
    const { constant } = context.operands[0];
    if (constant) {
      const { parts, result } = planOf(context, constant.shape);
      if (parts.length !== 1) throw new UnsupportedError(["StridedSlice of a constant"]);
      const [{ begin, size, stride }] = parts;
      const count = Number.isSafeInteger(size) && size <= constant.data.length ? size : 0;
      const data = Array.from({ length: count }, (_, i) => constant.data[begin + i * stride]);
      const shape = result.map((axis) => (axis === "new" ? 1 : data.length));
      return [constantOf(context.name, shape, data, constant.isFloat)];
    }
    return [{ value: addSlice(context) }];
  },
};

function addSlice(context: Context): string {
  const { builder, name } = context;
  const { parts, result } = planOf(context, shapeAt(context, 0));
  const [batch, ...sample] = parts;
  if (batch.isOne || batch.begin !== 0 || result[0] !== 0)
    throw new UnsupportedError(["StridedSlice: of the batch"]);
  const attrs = {
    begin: sample.map(({ begin }) => begin),
    size: sample.map(({ size }) => size),
    strides: sample.map(({ stride }) => stride),
  };
  const isPlain = result.length === parts.length && result.every((axis, i) => axis === i);
  const value = builder.add(isPlain ? name : `${name}/slice`, "slice", [valueAt(context, 0)], { attrs });
  if (isPlain) return value;
  const shape = result.map((axis) => (axis === "new" ? 1 : axis === 0 ? null : parts[axis].size));
  return builder.add(name, "reshape", [value], { attrs: { shape } });
}

/** slice: y[i] = x[begin + i * stride] along each axis of a sample; a stride of -1 reverses. */

import { formatShape } from "../shape.js";
import { integersAttr, type OpRule } from "./rule.js";

/** attrs  begin, size, strides (not 0), one for each axis but the batch */
export const slice: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => {
    const strides = integersAttr(Number.NEGATIVE_INFINITY);
    return {
      begin: integersAttr(0),
      size: integersAttr(1),
      strides: {
        ...strides,
        wanted: `${strides.wanted}, none 0`,
        valid: (value) => strides.valid(value) && !(value as readonly number[]).includes(0),
      },
    };
  },
  weights: {},
  codes: () => "move",
  shape(node, [input]) {
    const sample = input.slice(1) as readonly number[];
    const { begin, size, strides } = node.attrs as Readonly<Record<string, readonly number[]>>;
    const fits = sample.every((dim, i) => {
      const last = begin[i] + (size[i] - 1) * strides[i];
      return begin[i] < dim && last >= 0 && last < dim;
    });
    if (!fits || [begin, size, strides].some(({ length }) => length !== sample.length)) {
      throw new RangeError(
        `${node.name}: wanted a part of ${formatShape(input)}, got ${formatShape(size)} from ${formatShape(begin)} by ${formatShape(strides)}`,
      );
    }
    return [null, ...size];
  },
};

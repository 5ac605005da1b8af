/** softmax and logSoftmax over the last axis, the only one tfjs has them over. */

import { formatShape } from "../shape.js";
import type { Node, Shape } from "../types.js";
import { integerAttr, type OpRule } from "./rule.js";

function shape(node: Node, [input]: readonly Shape[]): Shape {
  const last = input.length - 1;
  const axis = node.attrs.axis ?? -1;
  if (last < 1) {
    throw new RangeError(`${node.name}: wanted an input of rank 2 or more, got ${formatShape(input)}`);
  }
  if (axis !== -1 && axis !== last) {
    throw new RangeError(`${node.name}: wanted the last axis, -1 or ${last}, got ${axis}`);
  }
  return input;
}

/** attrs    axis: the last, as -1 (default) or counted from the batch */
export const softmax: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({ axis: integerAttr(false) }),
  weights: {},
  shape,
};

export const logSoftmax: OpRule = softmax;

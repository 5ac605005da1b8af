/** maxPool and averagePool over [null, h, w, c]; cells of the padding count in neither. */

import { formatShape } from "../shape.js";
import { wantRank } from "./rank.js";
import { integersAttr, type OpRule } from "./rule.js";
import { windowAttrs, windowPlaces } from "./window.js";

/** attrs  size [h, w]; strides [h, w]; padding [top, bottom, left, right], each below the size */
export const maxPool: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({ ...windowAttrs, size: integersAttr(1, 2) }),
  weights: {},
  codes: () => "fold",
  shape(node, [input]) {
    wantRank(node, input, 4, 4);
    const { size, padding } = node.attrs as Readonly<Record<string, readonly number[]>>;
    // No window then lies in the padding alone.
    if (padding.some((cells, i) => cells >= size[i >> 1])) {
      throw new RangeError(
        `${node.name}: wanted padding below the size ${formatShape(size)}, got ${formatShape(padding)}`,
      );
    }
    return [null, ...windowPlaces(node, input, size), input[3]];
  },
};

export const averagePool: OpRule = { ...maxPool, codes: () => "own" };

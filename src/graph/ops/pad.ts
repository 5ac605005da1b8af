/** pad: a frame of one number, or of the value's own cells, around a sample. */

import { formatShape } from "../shape.js";
import { finiteAttr, integersAttr, type OpRule, wordAttr } from "./rule.js";

/**
 * attrs  pads [before, after, before, after...], a pair for each axis but the batch; mode: constant
 *        (default), reflect (without the edge), symmetric (with it); value (default 0), for constant
 */
export const pad: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({
    pads: integersAttr(0),
    mode: wordAttr(false, ["constant", "reflect", "symmetric"]),
    value: finiteAttr(false),
  }),
  weights: {},
  // Of all constants only 0 is sure to have a code.
  codes: ({ attrs: { mode = "constant", value = 0 } }) =>
    mode !== "constant" || value === 0 ? "move" : undefined,
  shape(node, [input]) {
    const { pads, mode } = node.attrs as { pads: readonly number[]; mode?: string };
    const sample = input.slice(1) as readonly number[];
    if (pads.length !== 2 * sample.length) {
      throw new RangeError(
        `${node.name}: wanted ${2 * sample.length} pads for ${formatShape(input)}, got ${formatShape(pads)}`,
      );
    }
    const edge = mode === "reflect" ? 1 : 0;
    if ((mode ?? "constant") !== "constant" && pads.some((cells, i) => cells > sample[i >> 1] - edge)) {
      throw new RangeError(
        `${node.name}: ${mode} wants pads within ${formatShape(input)}, got ${formatShape(pads)}`,
      );
    }
    return [null, ...sample.map((dim, i) => dim + pads[2 * i] + pads[2 * i + 1])];
  },
};

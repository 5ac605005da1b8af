/** resize: an image of [null, h, w, c] in another size, as tfjs' resizeBilinear and resizeNearestNeighbor. */

import { wantRank } from "./rank.js";
import { booleanAttr, integersAttr, type OpRule, wordAttr } from "./rule.js";

/** attrs  size [h, w]; method: nearest, bilinear; alignCorners, halfPixelCenters (default false), not both */
export const resize: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({
    size: integersAttr(1, 2),
    method: wordAttr(true, ["nearest", "bilinear"]),
    alignCorners: booleanAttr,
    halfPixelCenters: booleanAttr,
  }),
  weights: {},
  codes: ({ attrs: { method } }) => (method === "nearest" ? "move" : undefined),
  shape(node, [input]) {
    wantRank(node, input, 4, 4);
    const { size, alignCorners, halfPixelCenters } = node.attrs;
    if (alignCorners && halfPixelCenters) {
      throw new RangeError(`${node.name}: wanted alignCorners or halfPixelCenters, got both`);
    }
    return [null, ...(size as readonly number[]), input[3]];
  },
};

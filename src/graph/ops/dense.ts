/** dense: y = activation(x . kernel + bias) over the last axis, as tfjs' Dense of any rank. */

import { checkChannels, productRule } from "./product.js";
import { wantRank } from "./rank.js";
import type { OpRule } from "./rule.js";

/** weights  kernel [in, out], bias [out]; the rest as in `productRule` */
export const dense: OpRule = productRule(
  { rank: 2, depth: ([inputs]) => inputs },
  {},
  {
    shape(node, [input], { kernel, bias }) {
      wantRank(node, input, 2);
      checkChannels(node, input, kernel, kernel[0], bias, kernel[1]);
      return [...input.slice(0, -1), kernel[1]];
    },
  },
);

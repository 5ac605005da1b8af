/** layerNorm: (x - mean) / sqrt(variance + epsilon) * gamma + beta over the last axis; Ba et al., 2016. */

import { wantRank } from "./rank.js";
import { finiteAttr, type OpRule } from "./rule.js";

const perChannel = { required: false, dtypes: ["f32"], rank: 1 } as const;

/**
 * attrs    epsilon > 0
 * weights  gamma f32[C] (absent: 1), beta f32[C] (absent: 0)
 */
export const layerNorm: OpRule = {
  inputs: { min: 1, max: 1 },
  attrs: () => ({
    epsilon: {
      ...finiteAttr(true, "a finite number > 0"),
      valid: (value) => Number.isFinite(value) && Number(value) > 0,
    },
  }),
  weights: { gamma: perChannel, beta: perChannel },
  shape(node, [input], { gamma, beta }) {
    wantRank(node, input, 2);
    const channels = input[input.length - 1];
    for (const [size] of [gamma, beta].filter((shape) => shape !== undefined)) {
      if (size !== channels)
        throw new RangeError(`${node.name}: wanted [${channels}] of gamma and beta, got [${size}]`);
    }
    return input;
  },
};

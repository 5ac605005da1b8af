/** simpleRnn, lstm and gru over [null, time, in], from a state of zeros or of other values; gates in the order of tfjs. */

import { formatShape } from "../shape.js";
import type { Node, Shape } from "../types.js";
import { wantRank } from "./rank.js";
import { type AttrRules, booleanAttr, type OpRule, wordAttr } from "./rule.js";
import { unaryFunctionNames, unaryNumberRules } from "./unary-functions.js";

// Attributes name one set of numbers; a cell has two functions.
const plainFunctions = unaryFunctionNames.filter((fn) => Object.keys(unaryNumberRules(fn)).length === 0);
const functionAttr = wordAttr(false, [...plainFunctions, "relu", "elu"]);

/**
 * inputs   x; with `masked` a mask [null, time], where a step of 0 keeps the state and repeats the result before it; then
 *          none or all of the state to begin with, each [null, units]: h, and of lstm c
 * attrs    activation (default tanh), and with gates recurrentActivation (default sigmoid);
 *          returnSequences; goBackwards: reads the time from its end, and results come in that order; masked; of lstm
 *          cellState: after the results there is one row more, c as it is in the end, [null, time + 1 or 2, units]
 * weights  kernel f32|s8 [in, gates * units]; recurrent f32|s8 [units, gates * units]; bias f32
 *          [gates * units]. Codes are stored only: the cell computes in f32.
 */
function recurrentRule(gates: number, attrs: AttrRules, states = 1): OpRule {
  const weight = { required: true, dtypes: ["f32", "s8"], rank: 2 } as const;
  return {
    inputs: { min: 1, max: 2 + states },
    attrs: () => ({
      activation: functionAttr,
      returnSequences: booleanAttr,
      goBackwards: booleanAttr,
      masked: booleanAttr,
      ...attrs,
    }),
    weights: {
      kernel: weight,
      recurrent: weight,
      bias: { required: false, dtypes: ["f32"] },
    },
    shape(node, [input, ...others], { kernel, recurrent, bias }) {
      wantRank(node, input, 3, 3);
      const units = recurrent[0];
      const width = gates * units;
      want(node, "kernel", kernel, [input[2] as number, width]);
      want(node, "recurrent kernel", recurrent, [units, width]);
      // One bias for what is read and one for the state.
      if (bias) want(node, "bias", bias, node.attrs.resetAfter ? [2, width] : [width]);
      const { masked, returnSequences, cellState } = node.attrs;
      if (masked) want(node, "mask", others.shift() ?? [], [null, input[1]]);
      if (others.length > 0 && others.length !== states)
        throw new RangeError(`${node.name}: wanted 0 or ${states} states, got ${others.length}`);
      for (const state of others) want(node, "state", state, [null, units]);
      if (cellState) return [null, (returnSequences ? (input[1] as number) : 1) + 1, units];
      return returnSequences ? [null, input[1], units] : [null, units];
    },
  };
}

function want({ name }: Node, role: string, got: Shape, wanted: Shape): void {
  if (formatShape(got) === formatShape(wanted)) return;
  throw new RangeError(`${name}: wanted a ${role} of ${formatShape(wanted)}, got ${formatShape(got)}`);
}

/** h = activation(x W + b + h U) */
export const simpleRnn: OpRule = recurrentRule(1, {});

/** Gates i, f, c, o: c = f c + i activation(..), h = o activation(c). Hochreiter and Schmidhuber, 1997. */
export const lstm: OpRule = recurrentRule(
  4,
  { recurrentActivation: functionAttr, cellState: booleanAttr },
  2,
);

/**
 * Gates z, r, h: h = z h + (1 - z) activation(..). Cho et al., 2014.
 *
 * resetAfter (default false): r multiplies h U + b of the state's own bias, not h; bias is [2, 3 * units].
 */
export const gru: OpRule = recurrentRule(3, { recurrentActivation: functionAttr, resetAfter: booleanAttr });

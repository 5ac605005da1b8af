/** simpleRnn, lstm and gru over [null, time, in], from a state of zeros; gates in the order of tfjs. */

import { formatShape } from "../shape.js";
import type { Node, Shape } from "../types.js";
import { wantRank } from "./rank.js";
import { type AttrRules, booleanAttr, type OpRule, wordAttr } from "./rule.js";
import { unaryFunctionNames, unaryNumberRules } from "./unary-functions.js";

// Attributes name one set of numbers; a cell has two functions.
const plainFunctions = unaryFunctionNames.filter((fn) => Object.keys(unaryNumberRules(fn)).length === 0);
const functionAttr = wordAttr(false, [...plainFunctions, "relu", "elu"]);

/**
 * attrs    activation (default tanh), and with gates recurrentActivation (default sigmoid);
 *          returnSequences; goBackwards: reads the time from its end, and results come in that order
 * weights  kernel f32|s8 [in, gates * units]; recurrent f32|s8 [units, gates * units]; bias f32
 *          [gates * units]. Codes are stored only: the cell computes in f32.
 */
function recurrentRule(gates: number, attrs: AttrRules): OpRule {
  const weight = { required: true, dtypes: ["f32", "s8"], rank: 2 } as const;
  return {
    inputs: { min: 1, max: 1 },
    attrs: () => ({
      activation: functionAttr,
      returnSequences: booleanAttr,
      goBackwards: booleanAttr,
      ...attrs,
    }),
    weights: {
      kernel: weight,
      recurrent: weight,
      bias: { required: false, dtypes: ["f32"] },
    },
    shape(node, [input], { kernel, recurrent, bias }) {
      wantRank(node, input, 3, 3);
      const units = recurrent[0];
      const width = gates * units;
      want(node, "kernel", kernel, [input[2] as number, width]);
      want(node, "recurrent kernel", recurrent, [units, width]);
      // One bias for what is read and one for the state.
      if (bias) want(node, "bias", bias, node.attrs.resetAfter ? [2, width] : [width]);
      return node.attrs.returnSequences ? [null, input[1], units] : [null, units];
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
export const lstm: OpRule = recurrentRule(4, { recurrentActivation: functionAttr });

/**
 * Gates z, r, h: h = z h + (1 - z) activation(..). Cho et al., 2014.
 *
 * resetAfter (default false): r multiplies h U + b of the state's own bias, not h; bias is [2, 3 * units].
 */
export const gru: OpRule = recurrentRule(3, { recurrentActivation: functionAttr, resetAfter: booleanAttr });

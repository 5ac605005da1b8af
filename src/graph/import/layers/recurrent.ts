/** SimpleRNN, LSTM and GRU. */

import { readActivation, unsupportedActivation } from "../activation.js";
import type { Builder, NodeParts } from "../builder.js";
import { booleanOption, type Json, option } from "../json.js";
import type { LayerRule, LayerRules } from "./rule.js";

interface Cell {
  readonly op: string;
  /** Functions by attribute, with what tfjs has where a config does not say. */
  readonly functions: Readonly<Record<string, string>>;
  /** How many values its state is. */
  readonly states: number;
}

function functionOf(config: Json, key: string, initial: string): string {
  return option(config, key) === undefined ? initial : (readActivation(config, key) ?? initial);
}

function unsupportedFunctions(config: Json, { functions }: Cell): readonly string[] {
  return Object.keys(functions).flatMap((key) => {
    const fn = readActivation(config, key);
    // Softmax is no function of one number, as a gate has to be.
    if (fn === "softmax" || fn === "logSoftmax") return [`${key} ${fn}`];
    return unsupportedActivation(config, key);
  });
}

function recurrent(cell: Cell): LayerRule {
  return {
    // The state to begin with comes after the input.
    inputs: { min: 1, max: 1 + cell.states },
    unsupported: (config) => [
      ...unsupportedFunctions(config, cell),
      ...["timeMajor"].filter((key) => booleanOption(config, key, false)),
    ],
    add(given, [input, ...states], builder) {
      // Keras names the weights of the layer under its cell: lstm/lstm_cell/kernel.
      const layer = { ...given, hasCell: true };
      const { name, config } = layer;
      const hasBias = booleanOption(config, "useBias", true);
      const weights = {
        kernel: builder.weight(layer, "kernel", 0).key,
        recurrent: builder.weight(layer, "recurrent_kernel", 1).key,
        ...(hasBias ? { bias: builder.weight(layer, "bias", 2).key } : {}),
      };
      const functions = Object.entries(cell.functions).map(([key, initial]) => [
        key,
        functionOf(config, key, initial),
      ]);
      const attrs = {
        ...Object.fromEntries(functions),
        returnSequences: booleanOption(config, "returnSequences", false),
        goBackwards: booleanOption(config, "goBackwards", false),
        ...(cell.op === "gru" ? { resetAfter: booleanOption(config, "resetAfter", false) } : {}),
      };
      const mask = builder.maskOf(input);
      const reads = [input, ...(mask === undefined ? [] : [mask]), ...states];
      const parts = { attrs: { ...attrs, ...(mask === undefined ? {} : { masked: true }) }, weights };
      if (!booleanOption(config, "returnState", false)) return [builder.add(name, cell.op, reads, parts)];
      return withStates(cell, name, builder, reads, parts);
    },
  };
}

/** The result, and the state in the end: h is its last step, and c a row more of what the op makes. */
function withStates(
  { op, states }: Cell,
  name: string,
  builder: Builder,
  reads: readonly string[],
  { attrs, weights }: Required<NodeParts>,
): readonly string[] {
  if (states === 1) {
    const result = builder.add(name, op, reads, { attrs, weights });
    if (!attrs.returnSequences) return [result, result];
    return [result, addRow(builder, `${name}/h`, result, (builder.shapeOf(result)[1] as number) - 1)];
  }
  const both = builder.add(`${name}/both`, op, reads, { attrs: { ...attrs, cellState: true }, weights });
  const [, rows, units] = builder.shapeOf(both) as readonly number[];
  const h = addRow(builder, attrs.returnSequences ? `${name}/h` : name, both, rows - 2);
  const c = addRow(builder, `${name}/c`, both, rows - 1);
  if (!attrs.returnSequences) return [h, h, c];
  const sequence = { begin: [0, 0], size: [rows - 1, units], strides: [1, 1] };
  return [builder.add(name, "slice", [both], { attrs: sequence }), h, c];
}

/** Row `row` of [null, rows, units], as [null, units]. */
function addRow(builder: Builder, name: string, value: string, row: number): string {
  const units = builder.shapeOf(value)[2];
  const attrs = { begin: [row, 0], size: [1, units as number], strides: [1, 1] };
  const part = builder.add(`${name}/row`, "slice", [value], { attrs });
  return builder.add(name, "reshape", [part], { attrs: { shape: [null, units] } });
}

const gated = { activation: "tanh", recurrentActivation: "hardSigmoid" };

export const recurrentLayers: LayerRules = {
  SimpleRNN: recurrent({ op: "simpleRnn", functions: { activation: "tanh" }, states: 1 }),
  LSTM: recurrent({ op: "lstm", functions: gated, states: 2 }),
  GRU: recurrent({ op: "gru", functions: gated, states: 1 }),
};

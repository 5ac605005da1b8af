/** SimpleRNN, LSTM and GRU. */

import { readActivation, unsupportedActivation } from "../activation.js";
import { booleanOption, type Json, option } from "../json.js";
import type { LayerRule, LayerRules } from "./rule.js";

interface Cell {
  readonly op: string;
  /** Functions by attribute, with what tfjs has where a config does not say. */
  readonly functions: Readonly<Record<string, string>>;
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
    extraInputs: "initialState",
    unsupported: (config) => [
      ...unsupportedFunctions(config, cell),
      ...["returnState", "timeMajor"].filter((key) => booleanOption(config, key, false)),
    ],
    add(given, [input], builder) {
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
      return [builder.add(name, cell.op, [input], { attrs, weights })];
    },
  };
}

const gated = { activation: "tanh", recurrentActivation: "hardSigmoid" };

export const recurrentLayers: LayerRules = {
  SimpleRNN: recurrent({ op: "simpleRnn", functions: { activation: "tanh" } }),
  LSTM: recurrent({ op: "lstm", functions: gated }),
  GRU: recurrent({ op: "gru", functions: gated }),
};

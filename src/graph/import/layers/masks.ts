/**
 * Masks, [null, time] of 0 and 1 beside a value: which steps count. Who hands them on is as Keras has it, and recurrent
 * layers alone obey them, as in tfjs: its pools over time count all steps.
 *
 * tfjs (4.22) gives the mask that it made last to every layer after it, whose own it may not be, as after a RepeatVector;
 * and a sum of two masked values one of another rank, which nothing can read. Keras does neither.
 */

import type { Builder } from "../builder.js";
import { booleanOption, numberOption } from "../json.js";
import { addChain } from "./merge.js";
import type { Layer, LayerRule, LayerRules } from "./rule.js";

/** Those that hand a mask on as it is. */
const passing = new Set(
  "Activation ActivityRegularization AlphaDropout BatchNormalization Dense Dropout ELU GaussianDropout GaussianNoise LayerNormalization LeakyReLU PReLU ReLU Softmax SpatialDropout1D ThresholdedReLU TimeDistributed".split(
    " ",
  ),
);

const recurrent = new Set(["Bidirectional", "GRU", "LSTM", "SimpleRNN"]);

/** A step of what they make counts where it does in all that have masks. */
const merging = new Set(["Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"]);

/** Notes the masks of what a call of a layer has made. */
export function maskOutputs(
  layer: Layer,
  inputs: readonly string[],
  outputs: readonly string[],
  builder: Builder,
): void {
  const mask = maskOf(layer, inputs, builder);
  if (mask === undefined) return;
  // The states that a layer returns have none.
  const count = layer.className === "Bidirectional" ? outputs.length : 1;
  for (const output of outputs.slice(0, count)) builder.setMask(output, mask);
}

function maskOf(layer: Layer, inputs: readonly string[], builder: Builder): string | undefined {
  const { className, config } = layer;
  const [mask] = inputs.map((input) => builder.maskOf(input));
  if (className === "Embedding" && booleanOption(config, "maskZero", false)) {
    return maskOfIndices(layer, inputs[0], builder);
  }
  if (passing.has(className)) return mask;
  if (recurrent.has(className)) return returnsSequences(layer) ? mask : undefined;
  if (merging.has(className)) return maskOfAll(layer, inputs, builder);
  return className === "Concatenate" ? maskOfConcat(layer, inputs, builder) : undefined;
}

function returnsSequences({ className, config }: Layer): boolean {
  if (className !== "Bidirectional") return booleanOption(config, "returnSequences", false);
  const { layer } = config as { layer?: { config?: Readonly<Record<string, unknown>> } };
  return booleanOption(layer?.config ?? {}, "returnSequences", false);
}

/** 1 where any number of a step is not `value`. */
function maskOfValues({ name, config }: Layer, input: string, builder: Builder): string {
  const value = numberOption(config, "maskValue") ?? 0;
  const operand = (key: string, number: number) => ({
    operand: builder.put(`${name}/${key}`, { dtype: "f32", shape: [], data: Float32Array.of(number) }),
  });
  const apart =
    value === 0
      ? input
      : builder.add(`${name}/apart`, "subtract", [input], { weights: operand("value", value) });
  const axes = [builder.shapeOf(input).length - 1];
  const [most, least] = ["max", "min"].map((fn) =>
    builder.add(`${name}/${fn}`, "reduce", [apart], { attrs: { fn, axes, keepDims: false } }),
  );
  const below = builder.add(`${name}/below`, "multiply", [least], { weights: operand("minus", -1) });
  const size = builder.add(`${name}/size`, "maximum", [most, below]);
  // Times 1e38 twice, no more than 1 each time: 1 for the least f32 that there is.
  return ["huge", "mask"].reduce((from, end) => {
    const scaled = builder.add(`${name}/${end}/scaled`, "multiply", [from], {
      weights: operand("many", 1e38),
    });
    return builder.add(`${name}/${end}`, "unary", [scaled], { attrs: { fn: "relu", maxValue: 1 } });
  }, size);
}

/** 1 for each index but 0; they are integers. */
function maskOfIndices({ name }: Layer, input: string, builder: Builder): string {
  return builder.add(`${name}/mask`, "unary", [input], { attrs: { fn: "relu", maxValue: 1 } });
}

function maskOfAll({ name }: Layer, inputs: readonly string[], builder: Builder): string | undefined {
  const masks = [...new Set(inputs.flatMap((input) => builder.maskOf(input) ?? []))];
  return masks.length > 1 ? addChain(builder, `${name}/mask`, "minimum", masks) : masks[0];
}

/** Along the last axis as in a sum; along the time masks follow each other. */
function maskOfConcat(layer: Layer, inputs: readonly string[], builder: Builder): string | undefined {
  const { name, config } = layer;
  const given = numberOption(config, "axis") ?? -1;
  const axis = given < 0 ? given + builder.shapeOf(inputs[0]).length : given;
  if (axis !== 1) return maskOfAll(layer, inputs, builder);
  const masks = inputs.map((input) => builder.maskOf(input));
  if (masks.every((mask) => mask === undefined)) return undefined;
  const parts = masks.map((mask, i) => mask ?? addOnes(name, inputs[i], builder));
  return builder.add(`${name}/mask`, "concat", parts, { attrs: { axis } });
}

/** The mask of a value that has none: the larger of 1 and a sigmoid of its first numbers. */
function addOnes(name: string, input: string, builder: Builder): string {
  const [, time, ...rest] = builder.shapeOf(input) as readonly number[];
  const attrs = {
    begin: [0, ...rest.map(() => 0)],
    size: [time, ...rest.map(() => 1)],
    strides: [1, ...rest.map(() => 1)],
  };
  const first = builder.add(`${name}/first`, "slice", [input], { attrs });
  const column = builder.add(`${name}/steps`, "reshape", [first], { attrs: { shape: [null, time] } });
  const operand = builder.put(`${name}/ones`, { dtype: "f32", shape: [], data: Float32Array.of(1) });
  const positive = builder.add(`${name}/positive`, "unary", [column], { attrs: { fn: "sigmoid" } });
  return builder.add(`${name}/counted`, "maximum", [positive], { weights: { operand } });
}

/** The steps that do not count become 0. */
const masking: LayerRule = {
  add(layer, [input], builder) {
    const { name } = layer;
    const mask = maskOfValues(layer, input, builder);
    const shape = [...builder.shapeOf(mask), 1];
    const column = builder.add(`${name}/column`, "reshape", [mask], { attrs: { shape } });
    const made = builder.add(name, "multiply", [input, column]);
    builder.setMask(made, mask);
    return [made];
  },
};

export const maskingLayers: LayerRules = { Masking: masking };

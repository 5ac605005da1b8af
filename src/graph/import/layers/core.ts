/** Dense, Activation, the layers that only change shapes, and those that do nothing at inference. */

import { formatShape, sizeOf } from "../../shape.js";
import { addActivation, readActivation, unsupportedActivation } from "../activation.js";
import { asArray, booleanOption, describe, numberOption, option } from "../json.js";
import type { LayerRule, LayerRules } from "./rule.js";

const dense: LayerRule = {
  unsupported: unsupportedActivation,
  add(layer, [input], builder) {
    const { name, config } = layer;
    const kernel = builder.weight(layer, "kernel", 0);
    const units = numberOption(config, "units");
    if (kernel.shape.length !== 2 || kernel.shape[1] !== units) {
      throw new RangeError(
        `layer ${name}: wanted a kernel of [in, ${units}], got ${formatShape(kernel.shape)}`,
      );
    }
    const hasBias = booleanOption(config, "useBias", true);
    const weights = {
      kernel: kernel.key,
      ...(hasBias ? { bias: builder.weight(layer, "bias", 1).key } : {}),
    };
    const activation = readActivation(config) ?? "linear";
    if (activation !== "softmax" && activation !== "logSoftmax") {
      return [builder.add(name, "dense", [input], { weights, attrs: { activation } })];
    }
    // The layer's name goes to its result, by which others know it.
    const linear = builder.add(`${name}/dense`, "dense", [input], {
      weights,
      attrs: { activation: "linear" },
    });
    return [addActivation(builder, name, activation, linear)];
  },
};

const activation: LayerRule = {
  unsupported: unsupportedActivation,
  add: ({ name, config }, [input], builder) => [
    addActivation(builder, name, readActivation(config) ?? "linear", input),
  ],
};

const flatten: LayerRule = {
  add({ name }, [input], builder) {
    const size = sizeOf(builder.shapeOf(input));
    return [builder.add(name, "reshape", [input], { attrs: { shape: [null, size] } })];
  },
};

const reshape: LayerRule = {
  add({ name, config }, [input], builder) {
    const target = asArray(option(config, "targetShape"), `${name}.target_shape`);
    const shape = [null, ...resolveSizes(name, target, sizeOf(builder.shapeOf(input)))];
    return [builder.add(name, "reshape", [input], { attrs: { shape } })];
  },
};

/** -1 and null both stand for the one size that follows from the others. */
function resolveSizes(name: string, target: readonly unknown[], size: number): readonly number[] {
  const known = target.filter((dim): dim is number => typeof dim === "number" && dim >= 0);
  const rest = size / known.reduce((product, dim) => product * dim, 1);
  if (known.length < target.length - 1 || (known.length < target.length && !Number.isInteger(rest))) {
    throw new RangeError(`layer ${name}: wanted a shape of ${size} elements, got ${describe(target)}`);
  }
  return target.map((dim) => (typeof dim === "number" && dim >= 0 ? dim : rest));
}

const identity: LayerRule = { add: (_layer, inputs) => inputs };

/** Layers that act in training only. */
const trainingOnly = [
  "ActivityRegularization",
  "AlphaDropout",
  "Dropout",
  "GaussianDropout",
  "GaussianNoise",
  "SpatialDropout1D",
  "SpatialDropout2D",
  "SpatialDropout3D",
];

export const coreLayers: LayerRules = {
  Dense: dense,
  Activation: activation,
  Flatten: flatten,
  Reshape: reshape,
  ...Object.fromEntries(trainingOnly.map((className) => [className, identity])),
};

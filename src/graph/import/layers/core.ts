/** Dense, Activation, Rescaling, and the layers that do nothing at inference. */

import { formatShape } from "../../shape.js";
import { addActivated } from "../activated.js";
import { addActivation, readActivation, unsupportedActivation } from "../activation.js";
import { booleanOption, describe, numberOption, option } from "../json.js";
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
    return [addActivated(builder, name, "dense", input, readActivation(config) ?? "linear", { weights })];
  },
};

const activation: LayerRule = {
  unsupported: unsupportedActivation,
  add: ({ name, config }, [input], builder) => [
    addActivation(builder, name, readActivation(config) ?? "linear", input),
  ],
};

/** x * scale + offset, of all channels or of each, as an affine: a convolution after it takes it in. */
const rescaling: LayerRule = {
  add({ name, config }, [input], builder) {
    const channels = builder.shapeOf(input).at(-1) as number;
    const weight = (role: string, initial: number) => {
      const value = option(config, role);
      const data = Array.isArray(value)
        ? Float32Array.from(value as number[])
        : new Float32Array(channels).fill(numberOption(config, role) ?? initial);
      if (data.length !== channels || data.some(Number.isNaN)) {
        throw new RangeError(
          `layer ${name}: wanted a ${role} of ${channels} numbers, got ${describe(value)}`,
        );
      }
      return builder.put(`${name}/${role}`, { dtype: "f32", shape: [channels], data });
    };
    const weights = { scale: weight("scale", 1), offset: weight("offset", 0) };
    return [builder.add(name, "affine", [input], { weights })];
  },
};

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
  Rescaling: rescaling,
  ...Object.fromEntries(trainingOnly.map((className) => [className, identity])),
};

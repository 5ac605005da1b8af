/** Flattens of what is flat already, which Keras passes on and tfjs refuses. */

import type { KerasLayer, KerasModel } from "./model.js";

/** Layers that keep the rank of what they read. */
const keepsRank = new Set(
  "Activation ActivityRegularization AlphaDropout BatchNormalization Dense Dropout ELU GaussianDropout GaussianNoise LayerNormalization LeakyReLU PReLU ReLU Rescaling Softmax ThresholdedReLU".split(
    " ",
  ),
);

export function withoutFlatFlattens(model: KerasModel): KerasModel {
  const layers = new Map(model.layers.map((layer) => [layer.name, layer]));
  const isFlat = (layer: KerasLayer | undefined): boolean => {
    // A loop, not a call for each layer: models are deeper than the engine's stack, and may have cycles.
    const seen = new Set<KerasLayer>();
    for (let at = layer; at && !seen.has(at); at = layers.get(at.calls[0]?.[0]?.layer ?? "")) {
      seen.add(at);
      if (at !== layer && at.className === "Flatten") return true;
      const shape = at.config.batch_input_shape;
      if (at.className === "InputLayer") return Array.isArray(shape) && shape.length === 2;
      if (at !== layer && !keepsRank.has(at.className)) return false;
    }
    return false;
  };
  return {
    ...model,
    layers: model.layers.map((layer) => {
      if (layer.model) return { ...layer, model: withoutFlatFlattens(layer.model) };
      if (layer.className !== "Flatten" || !isFlat(layer)) return layer;
      return { ...layer, className: "Activation", config: { name: layer.config.name, activation: "linear" } };
    }),
  };
}

/**
 * What the shape of a layer's input decides: a Flatten of what is flat already, which Keras passes on and tfjs
 * refuses; a Normalization over the last axis, which tfjs has not but as a Rescaling; the channels that a pool with
 * `keepdims` keeps, for tfjs wants to know them.
 */

import type { KerasLayer, KerasModel } from "./model.js";
import type { KerasTensor } from "./weights.js";

/** Layers that keep the rank of what they read. */
const keepsRank = new Set(
  "Activation ActivityRegularization AlphaDropout BatchNormalization Conv1D Conv2D Dense DepthwiseConv2D Dropout ELU GaussianDropout GaussianNoise LayerNormalization LeakyReLU Normalization PReLU ReLU Rescaling Softmax SpatialDropout1D ThresholdedReLU".split(
    " ",
  ),
);

export function adaptByShape(model: KerasModel): KerasModel {
  const layers = new Map(model.layers.map((layer) => [layer.name, layer]));
  return {
    ...model,
    layers: model.layers.map((layer) => {
      if (layer.model) return { ...layer, model: adaptByShape(layer.model) };
      if (layer.className === "Flatten" && inputRank(layer, layers) === 2) {
        return {
          ...layer,
          className: "Activation",
          config: { name: layer.config.name, activation: "linear" },
        };
      }
      if (layer.className === "Reshape") return adaptReshape(layer, layers);
      return layer.className === "Normalization"
        ? adaptNormalization(layer, inputRank(layer, layers))
        : layer;
    }),
  };
}

/** As far as it is looked back: a file from nowhere may have cycles, and ask for it at each of its layers. */
const maxSteps = 500;

/** What a layer reads first, what that reads first, and so on. */
function* before(layer: KerasLayer, layers: ReadonlyMap<string, KerasLayer>): Generator<KerasLayer> {
  let at: KerasLayer | undefined = layer;
  for (let i = 0; i < maxSteps && at; i++) {
    at = layers.get(at.calls[0]?.[0]?.layer ?? "");
    if (at) yield at;
  }
}

/** The batch counted; undefined where layers before it may change it. */
function inputRank(layer: KerasLayer, layers: ReadonlyMap<string, KerasLayer>): number | undefined {
  for (const at of before(layer, layers)) {
    const shape = at.config.batch_input_shape;
    if (at.className === "InputLayer") return Array.isArray(shape) ? shape.length : undefined;
    if (at.className === "Flatten") return 2;
    if (!keepsRank.has(at.className)) return undefined;
  }
  return undefined;
}

/** The [1, 1, -1] after a pool of whole images, with the channels in place of -1 where they can be told. */
function adaptReshape(layer: KerasLayer, layers: ReadonlyMap<string, KerasLayer>): KerasLayer {
  const shape = layer.config.target_shape;
  const pool = layers.get(layer.calls[0]?.[0]?.layer ?? "");
  if (!pool || !/^Global(?:Average|Max)Pooling/.test(pool.className) || !Array.isArray(shape)) return layer;
  const channels = channelsBefore(pool, layers);
  if (channels === undefined || shape.at(-1) !== -1) return layer;
  return { ...layer, config: { ...layer.config, target_shape: [...shape.slice(0, -1), channels] } };
}

/** Layers whose output has the channels of what they read first. */
const keepsChannels =
  /^(?:Activation|Add|Average|Multiply|Maximum|Minimum|Subtract|ReLU|LeakyReLU|ELU|ThresholdedReLU|PReLU|Rescaling|Softmax|.*Dropout.*|Gaussian.*|ActivityRegularization|(?:Average|Max)Pooling[12]D|ZeroPadding[12]D|Cropping[12]D|UpSampling[12]D|LayerNormalization)$/;

/** Channels of what a layer reads; undefined where they are not seen from the layers before it. */
function channelsBefore(layer: KerasLayer, layers: ReadonlyMap<string, KerasLayer>): number | undefined {
  for (const at of before(layer, layers)) {
    if (keepsChannels.test(at.className)) continue;
    const [weight] = at.weights;
    const { shape = [] } = weight?.tensor ?? {};
    const input = at.config.batch_input_shape;
    const found =
      at.className === "BatchNormalization"
        ? shape[0]
        : at.className === "DepthwiseConv2D"
          ? shape[2] * shape[3]
          : at.className === "InputLayer" && Array.isArray(input)
            ? input.at(-1)
            : (at.config.filters ?? at.config.units);
    return Number.isSafeInteger(found) ? (found as number) : undefined;
  }
  return undefined;
}

/** (x - mean) / max(sqrt(variance), 1e-7), for each element of the last axis. */
function adaptNormalization(layer: KerasLayer, rank: number | undefined): KerasLayer {
  const { axis, invert } = layer.config;
  const [only, ...more] = [axis].flat();
  const isLast = more.length === 0 && (only === -1 || (rank !== undefined && only === rank - 1));
  const [mean, variance] = layer.weights.map(({ tensor }) => numbersOf(tensor));
  if (!isLast || invert === true || !mean || !variance || mean.length !== variance.length) return layer;
  const scale = variance.map((value) => 1 / Math.max(Math.sqrt(value), 1e-7));
  const offset = mean.map((value, i) => -value * scale[i]);
  const config = { name: layer.config.name, trainable: false, dtype: "float32", scale, offset };
  return { ...layer, className: "Rescaling", config, weights: [] };
}

function numbersOf(tensor: KerasTensor | undefined): readonly number[] | undefined {
  if (tensor?.dtype !== "float32" || tensor.shape.length !== 1) return undefined;
  const { buffer } = tensor.data.slice();
  return Array.from(new Float32Array(buffer));
}

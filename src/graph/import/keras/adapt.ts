/**
 * Layers that tfjs has under another name or not at all, in layers that it has. What differs between Keras and tfjs
 * where both have a layer is settled here, so that neither importer nor tfjs computes what Keras does not.
 */

import { isObject, type Json, numberOption, option } from "../json.js";
import type { KerasLayer, KerasModel } from "./model.js";

/** @param version of Keras, "3.9.0"; undefined for what is older than such notes */
export function adaptModel(model: KerasModel, version: string | undefined): KerasModel {
  const adapted = model.layers.flatMap((layer) => adaptLayer(layer, version));
  return { ...model, layers: adapted };
}

/** A layer, or a chain of them of which the last has its name and the first its weights. */
function adaptLayer(layer: KerasLayer, version: string | undefined): readonly KerasLayer[] {
  if (layer.model) return [{ ...layer, model: adaptModel(layer.model, version) }];
  const config = adaptConfig(layer.className, layer.config, version);
  const plain = rewrite({ ...layer, config }, version);
  const chain = chainFor(plain);
  return chain.length === 0 ? [plain] : linked(plain, chain);
}

/** Options of any layer, those of layers within it too. */
function adaptConfig(className: string, config: Json, version: string | undefined): Json {
  const inner = ["layer", "backward_layer"].flatMap((key) => {
    const layer = config[key];
    if (!isObject(layer) || !isObject(layer.config)) return [];
    return [[key, { ...layer, config: adaptConfig(String(layer.class_name), layer.config, version) }]];
  });
  const own = Object.entries(config).map(([key, value]) =>
    key.endsWith("activation") ? [key, adaptActivation(value, version)] : [key, value],
  );
  const all: Json = { ...Object.fromEntries(own), ...Object.fromEntries(inner) };
  switch (className) {
    case "BatchNormalization":
    case "Softmax":
      return Array.isArray(all.axis) && all.axis.length === 1 ? { ...all, axis: all.axis[0] } : all;
    case "Bidirectional":
      return withoutTwin(all);
    case "SeparableConv1D":
    case "SeparableConv2D":
      // Of the convolution that Keras' class is made from, which tfjs takes for a mistake.
      return Object.fromEntries(
        Object.entries(all).filter(([key]) => !/^kernel_(?:initializer|regularizer|constraint)$/.test(key)),
      );
    case "LeakyReLU":
      return { ...all, alpha: all.alpha ?? all.negative_slope ?? 0.3 };
    case "Resizing":
      // tfjs aligns corners, also of nearest.
      return { ...all, half_pixel_centers: true };
    case "UpSampling2D":
      // Since TensorFlow 2 pixels are at their centers; tfjs, and Keras before, has them at their corners.
      return all.interpolation === "bilinear" && !/^2\.[0-2]\.\d+$/.test(version ?? "")
        ? { ...all, half_pixel_centers: true }
        : all;
    default:
      return all;
  }
}

const isKeras3 = (version: string | undefined) => /^[3-9]\./.test(version ?? "");

/** Keras 3 changed what it calls hard_sigmoid: relu6(x + 3) / 6, where it had been 0.2 x + 0.5. */
const hardSigmoid3 = "hard_sigmoid of Keras 3";

function adaptActivation(value: unknown, version: string | undefined): unknown {
  if (value === "silu") return "swish";
  if (value === "hard_swish") return "hard_silu";
  if (value === "hard_sigmoid" && isKeras3(version)) return hardSigmoid3;
  if (isObject(value) && isObject(value.config)) {
    const { dtype: _dtype, name: _name, trainable: _trainable, ...config } = value.config;
    return { class_name: value.class_name, config: adaptConfig(String(value.class_name), config, version) };
  }
  return value;
}

/** Keras 3 writes the backward layer out where it is the forward one again; tfjs makes it by itself. */
function withoutTwin(config: Json): Json {
  const { layer, backward_layer: backward, ...rest } = config;
  if (!isObject(layer) || !isObject(layer.config)) return config;
  const name = String(layer.config.name).replace(/^forward_/, "");
  const forward = { ...layer, config: { ...layer.config, name } };
  const isTwin = !isObject(backward) || JSON.stringify(essence(backward)) === JSON.stringify(essence(layer));
  return { ...rest, layer: forward, ...(isTwin ? {} : { backward_layer: backward }) };
}

/** Whatever decides what a layer computes, apart from its direction. */
function essence({ class_name: className, config }: Json): unknown {
  const entries = Object.entries(isObject(config) ? config : {}).filter(
    ([key]) =>
      !/^(?:name|go_backwards|zero_output_for_mask|trainable|seed|dtype)$|initializer$|regularizer$/.test(
        key,
      ),
  );
  return [className, entries.sort(([a], [b]) => (a < b ? -1 : 1))];
}

/** Layers that do nothing at inference, and that tfjs has not. */
const trainingOnly =
  /^(?:ActivityRegularization|SpatialDropout[23]D|Random(?:Brightness|Contrast|Flip|Grayscale|Hue|Rotation|Saturation|Sharpness|Shear|Translation|Zoom|ColorJitter|GaussianBlur|Posterization|Perspective|ElasticTransform|Invert|ColorDegeneration|Erasing)|AutoContrast|CutMix|MixUp|RandAugment|AugMix)$/;

/** A layer as another class of the same inputs, output and name. */
function rewrite(layer: KerasLayer, version: string | undefined): KerasLayer {
  const { className, config } = layer;
  if (trainingOnly.test(className)) {
    return { ...layer, className: "Activation", config: { name: config.name, activation: "linear" } };
  }
  if (
    className === "Activation" &&
    isObject(config.activation) &&
    typeof config.activation.class_name === "string"
  ) {
    const { class_name: wanted, config: inner } = config.activation;
    const whole = { name: config.name, ...(isObject(inner) ? inner : {}) };
    return rewrite({ ...layer, className: wanted, config: adaptConfig(wanted, whole, version) }, version);
  }
  return rewriteRelu(layer);
}

/** tfjs drops slope and threshold of a ReLU; alone they are layers of their own. */
function rewriteRelu(layer: KerasLayer): KerasLayer {
  const { className, config } = layer;
  if (className !== "ReLU") return layer;
  const slope = numberOption(config, "negativeSlope") ?? 0;
  const threshold = numberOption(config, "threshold") ?? 0;
  if (option(config, "maxValue") !== undefined) return layer;
  if (slope !== 0 && threshold === 0) {
    return { ...layer, className: "LeakyReLU", config: { name: config.name, alpha: slope } };
  }
  if (slope === 0 && threshold !== 0) {
    return { ...layer, className: "ThresholdedReLU", config: { name: config.name, theta: threshold } };
  }
  return layer;
}

/** A layer of a chain: what it is, and what it reads beside the one before it. */
interface Step {
  readonly className: string;
  readonly config: Json;
  /** Reads what the chain began with, too. */
  readonly readsFirst?: boolean;
}

/** What a layer's activation, or its way to keep dimensions, is in layers after it; none where tfjs has it. */
function chainFor({ className, config }: KerasLayer): readonly Step[] {
  if (option(config, "keepdims") === true && /^Global(?:Average|Max)Pooling[123]D$/.test(className)) {
    const dimensions = Number(className.at(-2));
    return [
      { className: "Reshape", config: { target_shape: [...new Array<number>(dimensions).fill(1), -1] } },
    ];
  }
  // Recurrent layers have their activation within each step.
  if (!takesActivation.has(className)) return [];
  const { activation } = config;
  if (isObject(activation) && typeof activation.class_name === "string") {
    return [{ className: activation.class_name, config: activation.config as Json }];
  }
  const sixth = [
    { className: "Rescaling", config: { scale: 1, offset: 3 } },
    { className: "ReLU", config: { max_value: 6 } },
    { className: "Rescaling", config: { scale: 1 / 6, offset: 0 } },
  ];
  if (activation === hardSigmoid3) return sixth;
  if (activation === "hard_silu") return [...sixth, { className: "Multiply", config: {}, readsFirst: true }];
  if (activation === "leaky_relu") return [{ className: "LeakyReLU", config: { alpha: 0.2 } }];
  return [];
}

const takesActivation = new Set([
  "Activation",
  "Conv1D",
  "Conv1DTranspose",
  "Conv2D",
  "Conv2DTranspose",
  "Conv3D",
  "Conv3DTranspose",
  "Dense",
  "DepthwiseConv1D",
  "DepthwiseConv2D",
  "SeparableConv1D",
  "SeparableConv2D",
]);

/** The layer without what the chain does, under another name, and the chain, of which the last has its name. */
function linked(layer: KerasLayer, chain: readonly Step[]): readonly KerasLayer[] {
  const { name, config, calls } = layer;
  const firstName = `${name}_linear`;
  const { keepdims: _keepdims, ...rest } = config;
  const plain = "activation" in rest ? { ...rest, activation: "linear" } : rest;
  const first = { ...layer, name: firstName, config: { ...plain, name: firstName } };
  let before = firstName;
  const steps = chain.map(({ className, config: own, readsFirst }, i): KerasLayer => {
    const stepName = i === chain.length - 1 ? name : `${name}_${i + 1}_${className.toLowerCase()}`;
    const reads = [before, ...(readsFirst ? [firstName] : [])];
    before = stepName;
    return rewriteRelu({
      className,
      name: stepName,
      config: { trainable: true, dtype: "float32", ...own, name: stepName },
      calls: calls.map((_, call) => reads.map((read) => ({ layer: read, call, tensor: 0 }))),
      isOperation: true,
      weights: [],
    });
  });
  return [first, ...steps];
}

/** Preprocessing layers: what is done to samples before the net proper. */

import { UnsupportedError } from "../../errors.js";
import { formatShape } from "../../shape.js";
import type { F32Weight } from "../../types.js";
import type { Builder } from "../builder.js";
import { booleanOption, describe, type Json, numberOption, option } from "../json.js";
import type { Layer, LayerRule, LayerRules } from "./rule.js";

/** Keras' backend.epsilon(), the least standard deviation that is divided by. */
const EPSILON = 1e-7;

/**
 * (x - mean) / deviation, or with `invert` back again; the numbers are in the config or among the weights.
 *
 * As Keras has it: tfjs has no such layer.
 */
const normalization: LayerRule = {
  add(layer, [input], builder) {
    const { name, config } = layer;
    const shape = builder.shapeOf(input).slice(1) as readonly number[];
    const [mean, variance] = ["mean", "variance"].map((role, i) => numbersOf(layer, role, i, builder));
    const kept = keptAxes(config, shape.length);
    const sizes = shape.map((dim, i) => (kept.has(i + 1) ? dim : 1));
    const count = sizes.reduce((product, dim) => product * dim, 1);
    for (const { length } of [mean, variance]) {
      // One for all, or one for each place along the axes.
      if (length !== count && length !== 1)
        throw new RangeError(`layer ${name}: wanted ${count} means and variances, got ${length}`);
    }
    const isInverse = booleanOption(config, "invert", false);
    const scale = new Float32Array(count);
    const offset = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      const deviation = Math.max(Math.sqrt(variance[i % variance.length]), EPSILON);
      const center = mean[i % mean.length];
      scale[i] = isInverse ? deviation : 1 / deviation;
      offset[i] = isInverse ? center : -center / deviation;
    }
    const operand = (role: string, data: Float32Array) => ({
      operand: builder.put(`${name}/${role}`, { dtype: "f32", shape: sizes, data } satisfies F32Weight),
    });
    const scaled = builder.add(`${name}/scaled`, "multiply", [input], { weights: operand("scale", scale) });
    return [builder.add(name, "add", [scaled], { weights: operand("offset", offset) })];
  },
};

function numbersOf(layer: Layer, role: string, index: number, builder: Builder): ArrayLike<number> {
  const value = option(layer.config, role);
  if (value === undefined) return builder.weight(layer, role, index).data;
  const numbers = [value].flat(8) as unknown[];
  if (numbers.every((each) => typeof each === "number")) return numbers as number[];
  throw new TypeError(`layer ${layer.name}: ${role} wants numbers, got ${describe(value)}`);
}

/** The axes that have a mean of their own: the last one by default, none where the config says null. */
function keptAxes(config: Json, rank: number): ReadonlySet<number> {
  const axes = config.axis === null ? [] : [option(config, "axis") ?? -1].flat().map(Number);
  return new Set(axes.map((axis) => (axis < 0 ? axis + rank + 1 : axis)));
}

/** [height, width] of the result, and [h, w] of an image. */
function sizesOf({ name, className, config }: Layer, input: string, builder: Builder) {
  const shape = builder.shapeOf(input);
  if (shape.length !== 4)
    throw new RangeError(`layer ${name}: ${className} wants [null, h, w, c], got ${formatShape(shape)}`);
  const size = ["height", "width"].map((key) => numberOption(config, key));
  if (!size.every((cells) => Number.isSafeInteger(cells) && (cells as number) >= 1)) {
    throw new RangeError(`layer ${name}: wanted a height and a width of at least 1, got ${size.join(", ")}`);
  }
  return { size: size as number[], cells: shape.slice(1, 3) as number[], channels: shape[3] as number };
}

/** As tfjs, which aligns the corners; Keras has the centers of pixels, and its files say so. */
const resizing: LayerRule = {
  unsupported(config) {
    const method = option(config, "interpolation") ?? "bilinear";
    return [
      ...(["nearest", "bilinear"].includes(String(method)) ? [] : [`interpolation ${describe(method)}`]),
      // tfjs does not crop: to do so would differ from tfjs, to leave it out from Keras.
      ...["cropToAspectRatio", "padToAspectRatio", "antialias"].filter((key) =>
        booleanOption(config, key, false),
      ),
    ];
  },
  add(layer, [input], builder) {
    const { size } = sizesOf(layer, input, builder);
    const method = String(option(layer.config, "interpolation") ?? "bilinear");
    const isKeras = booleanOption(layer.config, "halfPixelCenters", false);
    const corners = isKeras ? { halfPixelCenters: true } : { alignCorners: true };
    return [builder.add(layer.name, "resize", [input], { attrs: { size, method, ...corners } })];
  },
};

/** The middle of an image; one that is smaller either way is resized. As tfjs has it. */
const centerCrop: LayerRule = {
  add(layer, [input], builder) {
    const { size, cells, channels } = sizesOf(layer, input, builder);
    const [top, middle] = cells.map((dim, i) => Math.floor((dim - size[i]) / 2));
    // tfjs' own: with one column too many it leaves out the first, and with one row the last.
    const left = middle === 0 && cells[1] !== size[1] ? 1 : middle;
    if (top < 0 || left < 0) {
      return [builder.add(layer.name, "resize", [input], { attrs: { size, method: "bilinear" } })];
    }
    const attrs = { begin: [top, left, 0], size: [...size, channels], strides: [1, 1, 1] };
    return [builder.add(layer.name, "slice", [input], { attrs })];
  },
};

/** How the rows of one sample, one for each of its tokens, become one. */
const encodings: Readonly<Record<string, string>> = { oneHot: "max", multiHot: "max", count: "sum" };

/** A table of all tokens is more than its result needs, but every runtime has a look-up. */
const maxTokens = 4096;

const categoryEncoding: LayerRule = {
  unsupported(config) {
    const tokens = numberOption(config, "numTokens") ?? 0;
    const mode = modeOf(config);
    return [
      ...(Object.hasOwn(encodings, mode) ? [] : [`output_mode ${mode}`]),
      ...(tokens > maxTokens ? [`${tokens} tokens`] : []),
    ];
  },
  add({ name, config }, [input], builder) {
    const tokens = numberOption(config, "numTokens") ?? 0;
    const shape = builder.shapeOf(input);
    const mode = modeOf(config);
    if (!Number.isSafeInteger(tokens) || tokens < 1)
      throw new RangeError(`layer ${name}: wanted num_tokens of at least 1, got ${tokens}`);
    if (shape.length !== 2 || (mode === "oneHot" && shape[1] !== 1)) {
      throw new UnsupportedError([`CategoryEncoding: output_mode ${mode} of ${formatShape(shape)}`]);
    }
    const data = Float32Array.from({ length: tokens ** 2 }, (_, i) => (i % (tokens + 1) === 0 ? 1 : 0));
    const embeddings = builder.put(`${name}/tokens`, { dtype: "f32", shape: [tokens, tokens], data });
    const rows = builder.add(`${name}/rows`, "embedding", [input], { weights: { embeddings } });
    const attrs = { fn: encodings[mode], axes: [1], keepDims: false };
    return [builder.add(name, "reduce", [rows], { attrs })];
  },
};

/** "one_hot" of Keras is "oneHot" of tfjs. */
function modeOf(config: Json): string {
  return String(option(config, "outputMode") ?? "multiHot").replace("_hot", "Hot");
}

/**
 * Layers that augment: they do nothing at inference. RandomCrop is none of them, for it cuts there too, and neither are
 * tfjs' own RandomHeight and RandomWidth in truth: they change the size each time they are called, which nobody wants of a
 * model in use; Keras' do not.
 */
const augmenting = [
  "AugMix",
  "CutMix",
  "MixUp",
  "RandAugment",
  ...[
    "Brightness",
    "ColorDegeneration",
    "ColorJitter",
    "Contrast",
    "ElasticTransform",
    "Erasing",
    "Flip",
    "GaussianBlur",
    "Grayscale",
    "Height",
    "Hue",
    "Invert",
    "Perspective",
    "Posterization",
    "Rotation",
    "Saturation",
    "Sharpness",
    "Shear",
    "Translation",
    "Width",
    "Zoom",
  ].map((what) => `Random${what}`),
];

const identity: LayerRule = { add: (_layer, inputs) => inputs };

/** Those that have a data_format. */
export const imagePreprocessingLayers: LayerRules = { CenterCrop: centerCrop, Resizing: resizing };

export const preprocessingLayers: LayerRules = {
  CategoryEncoding: categoryEncoding,
  Normalization: normalization,
  ...Object.fromEntries(augmenting.map((className) => [className, identity])),
};

/** Layers that move numbers: shapes, frames, orders, sizes; and Embedding, which looks them up. */

import { formatShape, sizeOf } from "../../shape.js";
import type { Shape } from "../../types.js";
import type { Builder } from "../builder.js";
import { asArray, booleanOption, describe, numberOption, option } from "../json.js";
import { framesOption, sizesOption } from "./options.js";
import type { Layer, LayerRule, LayerRules } from "./rule.js";

function wantRank({ name, className }: Layer, input: string, rank: number, builder: Builder): Shape {
  const shape = builder.shapeOf(input);
  if (shape.length === rank) return shape;
  throw new RangeError(
    `layer ${name}: ${className} wants an input of rank ${rank}, got ${formatShape(shape)}`,
  );
}

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

const permute: LayerRule = {
  add({ name, config }, [input], builder) {
    const axes = builder.shapeOf(input).length - 1;
    return [
      builder.add(name, "transpose", [input], { attrs: { perm: [0, ...sizesOption(config, "dims", axes)] } }),
    ];
  },
};

/** More copies than any model has; a list of their places is made of them. */
const maxCopies = 65_536;

const repeatVector: LayerRule = {
  add(layer, [input], builder) {
    const n = numberOption(layer.config, "n") ?? 0;
    if (!(Number.isInteger(n) && n >= 1 && n <= maxCopies)) {
      throw new RangeError(`layer ${layer.name}: wanted an n of 1 to ${maxCopies}, got ${n}`);
    }
    const [batch, size] = wantRank(layer, input, 2, builder);
    const row = builder.add(`${layer.name}/row`, "reshape", [input], { attrs: { shape: [batch, 1, size] } });
    const attrs = { axis: 1, indices: new Array<number>(n).fill(0) };
    return [builder.add(layer.name, "gather", [row], { attrs })];
  },
};

const zeroPadding = (count: number): LayerRule => ({
  add(layer, [input], builder) {
    wantRank(layer, input, count + 2, builder);
    const pads = [...framesOption(layer.config, "padding", count, 1), 0, 0];
    return [builder.add(layer.name, "pad", [input], { attrs: { pads } })];
  },
});

const cropping = (count: number): LayerRule => ({
  add(layer, [input], builder) {
    const sample = wantRank(layer, input, count + 2, builder).slice(1) as readonly number[];
    const frames = [...framesOption(layer.config, "cropping", count, 0), 0, 0];
    const attrs = {
      begin: sample.map((_, i) => frames[2 * i]),
      size: sample.map((dim, i) => dim - frames[2 * i] - frames[2 * i + 1]),
      strides: sample.map(() => 1),
    };
    return [builder.add(layer.name, "slice", [input], { attrs })];
  },
});

/** As tfjs, whose bilinear places pixels at their corners; Keras has them at their centers, and its files say so. */
const upSampling: LayerRule = {
  unsupported(config) {
    const method = option(config, "interpolation") ?? "nearest";
    return method === "nearest" || method === "bilinear" ? [] : [`interpolation ${describe(method)}`];
  },
  add(layer, [input], builder) {
    const [, ...cells] = wantRank(layer, input, 4, builder) as readonly number[];
    const size = sizesOption(layer.config, "size", 2, 2).map((factor, i) => factor * cells[i]);
    const method = String(option(layer.config, "interpolation") ?? "nearest");
    const halfPixelCenters = method === "bilinear" && booleanOption(layer.config, "halfPixelCenters", false);
    const attrs = { size, method, ...(halfPixelCenters ? { halfPixelCenters } : {}) };
    return [builder.add(layer.name, "resize", [input], { attrs })];
  },
};

const embedding: LayerRule = {
  add(layer, [input], builder) {
    const { key: embeddings } = builder.weight(layer, "embeddings", 0);
    return [builder.add(layer.name, "embedding", [input], { weights: { embeddings } })];
  },
};

export const shapeLayers: LayerRules = {
  Embedding: embedding,
  Permute: permute,
  RepeatVector: repeatVector,
  Reshape: reshape,
};

/** Those that have a data_format. */
export const imageLayers: LayerRules = {
  Cropping1D: cropping(1),
  Cropping2D: cropping(2),
  Flatten: flatten,
  UpSampling2D: upSampling,
  ZeroPadding1D: zeroPadding(1),
  ZeroPadding2D: zeroPadding(2),
};

/** Pools over windows and over whole images. */

import { formatShape } from "../../shape.js";
import type { Builder } from "../builder.js";
import { booleanOption, option } from "../json.js";
import { fromRow, toRow } from "./convolution.js";
import { paddingOption, resolvePadding, sizesOption } from "./options.js";
import type { Layer, LayerRule, LayerRules } from "./rule.js";

function addPool(
  { name, config }: Layer,
  op: string,
  input: string,
  window: { readonly size: readonly number[]; readonly strides: readonly number[] },
  builder: Builder,
): string {
  const shape = builder.shapeOf(input);
  if (shape.length !== 4)
    throw new RangeError(`layer ${name}: wanted [null, h, w, c], got ${formatShape(shape)}`);
  const mode = paddingOption(config);
  const { size, strides } = window;
  const padding = size.flatMap((cells, i) => resolvePadding(mode, shape[i + 1] as number, cells, strides[i]));
  return builder.add(name, op, [input], { attrs: { size, strides, padding } });
}

/** Without strides, windows do not overlap. */
function windowOf({ config }: Layer, rank: number) {
  const size = sizesOption(config, "poolSize", rank, 2);
  const strides = option(config, "strides") === undefined ? size : sizesOption(config, "strides", rank);
  return { size, strides };
}

const pool2d = (op: string): LayerRule => ({
  add: (layer, [input], builder) => [addPool(layer, op, input, windowOf(layer, 2), builder)],
});

const pool1d = (op: string): LayerRule => ({
  add(layer, [input], builder) {
    const row = toRow(layer, input, builder);
    const { size, strides } = windowOf(layer, 1);
    const window = { size: [1, ...size], strides: [1, ...strides] };
    const pooled = addPool({ ...layer, name: `${layer.name}/row` }, op, row, window, builder);
    return [fromRow(layer, pooled, builder)];
  },
});

const globalPool = (fn: string, axes: readonly number[]): LayerRule => ({
  add({ name, config }, [input], builder) {
    const shape = builder.shapeOf(input);
    if (shape.length !== axes.length + 2) {
      throw new RangeError(
        `layer ${name}: wanted an input of rank ${axes.length + 2}, got ${formatShape(shape)}`,
      );
    }
    const keepDims = booleanOption(config, "keepdims", false);
    return [builder.add(name, "reduce", [input], { attrs: { fn, axes, keepDims } })];
  },
});

export const poolingLayers: LayerRules = {
  AveragePooling1D: pool1d("averagePool"),
  AveragePooling2D: pool2d("averagePool"),
  GlobalAveragePooling1D: globalPool("mean", [1]),
  GlobalAveragePooling2D: globalPool("mean", [1, 2]),
  GlobalMaxPooling1D: globalPool("max", [1]),
  GlobalMaxPooling2D: globalPool("max", [1, 2]),
  MaxPooling1D: pool1d("maxPool"),
  MaxPooling2D: pool2d("maxPool"),
};

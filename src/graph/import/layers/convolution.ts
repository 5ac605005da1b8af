/** Convolutions of one and two dimensions; those of one are images of height 1. */

import { formatShape } from "../../shape.js";
import type { F32Weight } from "../../types.js";
import { addActivated } from "../activated.js";
import { readActivation, unsupportedActivation } from "../activation.js";
import type { Builder } from "../builder.js";
import { booleanOption, describe, type Json, numberOption, option } from "../json.js";
import { type PaddingMode, paddingOption, resolvePadding, sizesOption } from "./options.js";
import type { Layer, LayerRule, LayerRules } from "./rule.js";

function unsupported(config: Json): readonly string[] {
  const groups = numberOption(config, "groups") ?? 1;
  return [...unsupportedActivation(config), ...(groups === 1 ? [] : [`groups ${groups}`])];
}

/** Strides, dilations and padding for a kernel of [h, w, ...] over a value of [null, h, w, c]. */
export function windowOf(
  layer: Layer,
  input: string,
  size: readonly number[],
  builder: Builder,
  mode: PaddingMode = paddingOption(layer.config),
) {
  const strides = sizesOption(layer.config, "strides", 2, 1);
  const dilations = sizesOption(layer.config, "dilationRate", 2, 1);
  const [, ...cells] = imageOf(layer, input, builder);
  const padding = [0, 1].flatMap((i) =>
    resolvePadding(mode, cells[i], (size[i] - 1) * dilations[i] + 1, strides[i]),
  );
  return { strides, dilations, padding };
}

/** [batch, h, w, c] of a value. */
function imageOf({ name, className }: Layer, input: string, builder: Builder): readonly number[] {
  const shape = builder.shapeOf(input);
  if (shape.length === 4) return shape as readonly number[];
  throw new RangeError(`layer ${name}: ${className} wants [null, h, w, c], got ${formatShape(shape)}`);
}

/** The weights `kernel` and, if the layer has one, `bias`, which is the `index`-th of its weights. */
function withBias(layer: Layer, kernel: string, index: number, builder: Builder) {
  if (!booleanOption(layer.config, "useBias", true)) return { kernel };
  return { kernel, bias: builder.weight(layer, "bias", index).key };
}

/** @throws RangeError for a kernel that is not of the layer's kernel_size */
function kernelOf(layer: Layer, role: string, rank: number, builder: Builder) {
  const kernel = builder.weight(layer, role, 0);
  const size = sizesOption(layer.config, "kernelSize", rank - 2);
  if (kernel.shape.length === rank && size.every((cells, i) => cells === kernel.shape[i])) return kernel;
  throw new RangeError(
    `layer ${layer.name}: wanted a ${role} of [${size.join(", ")}, ...], got ${formatShape(kernel.shape)}`,
  );
}

/** tfjs drops this one without a word: to obey it would differ from tfjs, to drop it from Keras. */
function unsupportedDepthwise(config: Json): readonly string[] {
  const dilated = [option(config, "dilationRate") ?? 1].flat().some((rate) => rate !== 1);
  return [...unsupported(config), ...(dilated ? ["dilation_rate"] : [])];
}

function convolution(op: "conv2d" | "depthwiseConv2d", role: string): LayerRule {
  return {
    unsupported: op === "conv2d" ? unsupported : unsupportedDepthwise,
    add(layer, [input], builder) {
      const kernel = kernelOf(layer, role, 4, builder);
      const attrs = windowOf(layer, input, kernel.shape, builder);
      const weights = withBias(layer, kernel.key, 1, builder);
      const activation = readActivation(layer.config) ?? "linear";
      return [addActivated(builder, layer.name, op, input, activation, { attrs, weights })];
    },
  };
}

/** Two nodes: no activation between them, and the bias is the second's. */
const separable: LayerRule = {
  unsupported,
  add(layer, [input], builder) {
    const depthwise = kernelOf(layer, "depthwise_kernel", 4, builder);
    const pointwise = builder.weight(layer, "pointwise_kernel", 1).key;
    const middle = builder.add(`${layer.name}/depthwise`, "depthwiseConv2d", [input], {
      attrs: windowOf(layer, input, depthwise.shape, builder),
      weights: { kernel: depthwise.key },
    });
    const weights = withBias(layer, pointwise, 2, builder);
    const activation = readActivation(layer.config) ?? "linear";
    const attrs = { strides: [1, 1], dilations: [1, 1], padding: [0, 0, 0, 0] };
    return [addActivated(builder, layer.name, "conv2d", middle, activation, { attrs, weights })];
  },
};

const transposed: LayerRule = {
  unsupported(config) {
    const outputPadding = option(config, "outputPadding");
    return [
      ...unsupportedDepthwise(config),
      ...(outputPadding === undefined ? [] : [`output_padding ${describe(outputPadding)}`]),
    ];
  },
  add(layer, [input], builder) {
    const kernel = kernelOf(layer, "kernel", 4, builder);
    imageOf(layer, input, builder);
    const strides = sizesOption(layer.config, "strides", 2, 1);
    const mode = paddingOption(layer.config);
    const weights = withBias(
      layer,
      builder.put(`${kernel.key}/transposed`, swapLast(kernel.shape, kernel.data)),
      1,
      builder,
    );
    const cut = strides.map((stride, i) => (mode === "same" ? Math.max(kernel.shape[i] - stride, 0) : 0));
    const attrs = {
      strides,
      padding: cut.flatMap((cells) => [Math.floor(cells / 2), Math.ceil(cells / 2)]),
      // A kernel smaller than the stride leaves gaps, and one at the end too.
      outputPadding: strides.map((stride, i) => Math.max(stride - kernel.shape[i], 0)),
    };
    const activation = readActivation(layer.config) ?? "linear";
    return [addActivated(builder, layer.name, "convTranspose2d", input, activation, { attrs, weights })];
  },
};

/** tfjs' [h, w, out, in] as [h, w, in, out]: the graph has the channels of every kernel last. */
export function swapLast([h, w, outputs, inputs]: readonly number[], data: Float32Array): F32Weight {
  const swapped = new Float32Array(data.length);
  for (let k = 0; k < h * w; k++) {
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        swapped[(k * inputs + i) * outputs + o] = data[(k * outputs + o) * inputs + i];
      }
    }
  }
  return { dtype: "f32", shape: [h, w, inputs, outputs], data: swapped };
}

const conv1d: LayerRule = {
  unsupported,
  add(layer, [input], builder) {
    const kernel = kernelOf(layer, "kernel", 3, builder);
    const row = toRow(layer, input, builder);
    const [stride] = sizesOption(layer.config, "strides", 1, 1);
    const [dilation] = sizesOption(layer.config, "dilationRate", 1, 1);
    const mode = paddingOption(layer.config, ["valid", "same", "causal"]);
    const length = builder.shapeOf(row)[2] as number;
    const sides = resolvePadding(mode, length, (kernel.shape[0] - 1) * dilation + 1, stride);
    const attrs = { strides: [1, stride], dilations: [1, dilation], padding: [0, 0, ...sides] };
    const image: F32Weight = { dtype: "f32", shape: [1, ...kernel.shape], data: kernel.data };
    const weights = withBias(layer, builder.put(`${kernel.key}/image`, image), 1, builder);
    const activation = readActivation(layer.config) ?? "linear";
    const value = addActivated(builder, `${layer.name}/row`, "conv2d", row, activation, { attrs, weights });
    return [fromRow(layer, value, builder)];
  },
};

/** [null, time, c] as [null, 1, time, c]. */
export function toRow({ name, className }: Layer, input: string, builder: Builder): string {
  const shape = builder.shapeOf(input);
  if (shape.length !== 3) {
    throw new RangeError(`layer ${name}: ${className} wants [null, time, c], got ${formatShape(shape)}`);
  }
  const attrs = { shape: [null, 1, ...shape.slice(1)] };
  return builder.add(`${name}/image`, "reshape", [input], { attrs });
}

/** Back again, under the layer's name. */
export function fromRow({ name }: Layer, value: string, builder: Builder): string {
  const [batch, , ...rest] = builder.shapeOf(value);
  return builder.add(name, "reshape", [value], { attrs: { shape: [batch, ...rest] } });
}

export const convolutionLayers: LayerRules = {
  Conv1D: conv1d,
  Conv2D: convolution("conv2d", "kernel"),
  Conv2DTranspose: transposed,
  DepthwiseConv2D: convolution("depthwiseConv2d", "depthwise_kernel"),
  SeparableConv2D: separable,
};

/** BatchNormalization at inference: one scale and offset per channel. */

import { formatShape, sizeOf } from "../../shape.js";
import type { F32Weight } from "../../types.js";
import type { Builder } from "../builder.js";
import { booleanOption, type Json, numberOption, option } from "../json.js";
import { addMoveBack, addMoveLast } from "./channels-first.js";
import type { Layer, LayerRule, LayerRules } from "./rule.js";

const batchNormalization: LayerRule = {
  unsupported(config) {
    const axis = option(config, "axis");
    return Array.isArray(axis) && axis.length !== 1 ? [`axes ${axis.join(", ")}`] : [];
  },
  add(layer, [input], builder) {
    const shape = builder.shapeOf(input);
    const axis = axisOf(layer.config, shape.length);
    if (!(axis >= 1 && axis < shape.length)) {
      builder.unsupported(`BatchNormalization: axis ${axis} of rank ${shape.length}`);
      return [input];
    }
    const { key, scale, offset } = scaleAndOffset(layer, shape[axis] as number, builder);
    if (axis === shape.length - 1) return [addAffine(builder, layer.name, input, key, scale, offset)];

    // As Keras has it. tfjs' cpu and wasm kernels (4.22) repeat the numbers along the last axis here,
    // whatever the axis is: batchNorm of ones [1, 2, 3, 1], mean 0 and 10 on axis 1, gives 1, -9, 1, -9...
    const last = addMoveLast(builder, `${layer.name}/channels_last`, input, axis);
    const made = addAffine(builder, `${layer.name}/affine`, last, key, scale, offset);
    return [addMoveBack(builder, layer.name, made, axis)];
  },
};

function axisOf(config: Json, rank: number): number {
  const option_ = option(config, "axis");
  const axis = Number((Array.isArray(option_) ? option_[0] : option_) ?? -1);
  return axis < 0 ? axis + rank : axis;
}

/**
 * scale = gamma / sqrt(variance + epsilon), offset = beta - mean * scale: in f64, rounded once to f32.
 *
 * Ioffe and Szegedy, 2015.
 */
function scaleAndOffset(layer: Layer, channels: number, builder: Builder) {
  // The order in which layers number their weights.
  const roles = [
    ...(booleanOption(layer.config, "scale", true) ? ["gamma"] : []),
    ...(booleanOption(layer.config, "center", true) ? ["beta"] : []),
    "moving_mean",
    "moving_variance",
  ];
  const [gamma, beta, mean, variance] = ["gamma", "beta", "moving_mean", "moving_variance"].map((role) =>
    roles.includes(role) ? builder.weight(layer, role, roles.indexOf(role)) : undefined,
  );
  for (const weight of [gamma, beta, mean, variance]) {
    if (weight && weight.data.length !== channels) {
      throw new RangeError(`weight ${weight.key}: wanted [${channels}], got ${formatShape(weight.shape)}`);
    }
  }
  if (!mean || !variance) throw new RangeError(`layer ${layer.name}: wanted a moving mean and variance`);

  const epsilon = numberOption(layer.config, "epsilon") ?? 1e-3;
  const scale = new Float32Array(channels);
  const offset = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const exact = (gamma?.data[c] ?? 1) / Math.sqrt(variance.data[c] + epsilon);
    scale[c] = exact;
    offset[c] = (beta?.data[c] ?? 0) - mean.data[c] * exact;
  }
  // Where the layer's weights are, so that shared layers share the result and others do not.
  return { key: mean.key.replace(/\/[^/]*$/, ""), scale, offset };
}

function addAffine(
  builder: Builder,
  name: string,
  input: string,
  key: string,
  scale: Float32Array,
  offset: Float32Array,
): string {
  const weight = (data: Float32Array): F32Weight => ({ dtype: "f32", shape: [data.length], data });
  const weights = {
    scale: builder.put(`${key}/scale`, weight(scale)),
    offset: builder.put(`${key}/offset`, weight(offset)),
  };
  return builder.add(name, "affine", [input], { weights });
}

/** Over axes that are the last ones, as one: Ba et al., 2016. */
const layerNormalization: LayerRule = {
  add(layer, [input], builder) {
    const { name, config } = layer;
    const shape = builder.shapeOf(input);
    const given = [option(config, "axis") ?? -1].flat().map(Number);
    const axes = given.map((axis) => (axis < 0 ? axis + shape.length : axis)).sort((a, b) => a - b);
    const [only, another] = axes;
    if (another === undefined && only >= 1 && only < shape.length - 1) {
      const last = addMoveLast(builder, `${name}/channels_last`, input, only);
      const inner = { ...layer, name: `${name}/norm`, weightNames: layer.weightNames ?? [name] };
      const [made] = layerNormalization.add(
        { ...inner, config: { ...config, axis: shape.length - 1 } },
        [last],
        builder,
      );
      return [addMoveBack(builder, name, made, only)];
    }
    if (axes[0] < 1 || axes.some((axis, i) => axis !== shape.length - axes.length + i)) {
      builder.unsupported(`LayerNormalization: axes ${given} of rank ${shape.length}`);
      return [input];
    }
    const size = sizeOf(shape.slice(axes[0]));
    const weights: Record<string, string> = {};
    for (const [role, has] of [
      ["gamma", booleanOption(config, "scale", true)],
      ["beta", booleanOption(config, "center", true)],
    ] as const) {
      if (!has) continue;
      const { key, data } = builder.weight(layer, role, Object.keys(weights).length);
      weights[role] =
        axes.length === 1 ? key : builder.put(`${key}/flat`, { dtype: "f32", shape: [size], data });
    }
    const attrs = { epsilon: numberOption(config, "epsilon") ?? 1e-3 };
    if (axes.length === 1) return [builder.add(name, "layerNorm", [input], { attrs, weights })];

    const flat = [...shape.slice(0, axes[0]), size];
    const row = builder.add(`${name}/flat`, "reshape", [input], { attrs: { shape: flat } });
    const normal = builder.add(`${name}/norm`, "layerNorm", [row], { attrs, weights });
    return [builder.add(name, "reshape", [normal], { attrs: { shape } })];
  },
};

export const normalizationLayers: LayerRules = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
};

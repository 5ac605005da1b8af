/** Convolutions and matrix products, plain and fused, and batch normalization. */

import { UnsupportedError } from "../../errors.js";
import { formatShape } from "../../shape.js";
import type { AttrValue, F32Weight } from "../../types.js";
import type { NodeDef } from "../graph-def.js";
import { swapLast } from "../layers/convolution.js";
import {
  type Constant,
  type Context,
  constantAt,
  type GraphRule,
  type GraphRules,
  integersAt,
  type Operand,
  shapeAt,
  valueAt,
  weightOf,
} from "./constant.js";
import { activationAttrs, addPrelu } from "./elements.js";
import { unsupportedLayout, unsupportedWindow, windowOf } from "./window.js";

const fusable = new Set(["BiasAdd", "Prelu"]);

function unsupportedFused({ op, attrs }: NodeDef): readonly string[] {
  const unknown = attrs
    .texts("fused_ops")
    .filter((name) => !fusable.has(name) && !activationAttrs(name, attrs));
  return unknown.map((name) => `${op}: fused ${name}`);
}

/** Adds a product with what is fused to it: a bias, an activation, or a prelu after it. */
function addProduct(
  context: Context,
  op: string,
  input: string,
  kernel: string,
  attrs: Readonly<Record<string, AttrValue>>,
): readonly Operand[] {
  const fused = context.attrs.texts("fused_ops");
  const extra = context.operands.slice(2);
  const bias = fused.includes("BiasAdd") ? weightOf(context, flat(extra[0]?.constant, context)) : undefined;
  const found = fused.map((name) => activationAttrs(name, context.attrs)).find((each) => each !== undefined);
  const { fn, ...numbers } = found ?? { fn: "linear" };
  const isPrelu = fused.includes("Prelu");
  const name = isPrelu ? `${context.name}/${op}` : context.name;
  const value = context.builder.add(name, op, [input], {
    attrs: { ...attrs, activation: fn, ...numbers },
    weights: { kernel, ...(bias === undefined ? {} : { bias }) },
  });
  if (!isPrelu) return [{ value }];
  return [{ value: addPrelu(context, value, constantAt(context, fused.includes("BiasAdd") ? 3 : 2)) }];
}

/** A bias as a vector: some converters write [1, 1, 1, C]. */
function flat(constant: Constant | undefined, { op }: Context): Constant {
  if (!constant) throw new UnsupportedError([`${op}: bias not constant`]);
  if (constant.shape.length === 1) return constant;
  return { ...constant, key: `${constant.key}/flat`, shape: [constant.data.length] };
}

function convolution(op: "conv2d" | "depthwiseConv2d"): GraphRule {
  return {
    inputs: { min: 2, max: Number.POSITIVE_INFINITY },
    unsupported: (node) => [...unsupportedWindow(node), ...unsupportedFused(node)],
    add(context) {
      const kernel = constantAt(context, 1);
      const dilations = context.attrs.numbers("dilations").slice(1, 3);
      const cells = dilations.length === 0 ? [1, 1] : dilations;
      const window = windowOf(context, shapeAt(context, 0), kernel.shape, cells);
      return addProduct(context, op, valueAt(context, 0), weightOf(context, kernel), {
        ...window,
        dilations: cells,
      });
    },
  };
}

/** The gradient of a convolution to its input, which is a transposed convolution. */
const conv2dBackpropInput: GraphRule = {
  inputs: { min: 3, max: 3 },
  unsupported: unsupportedWindow,
  add(context) {
    const size = integersAt(context, 0).slice(1, 3);
    const kernel = constantAt(context, 1);
    const input = shapeAt(context, 2);
    // What the forward convolution of this size would have padded is cut.
    const { strides, padding } = windowOf(context, [null, ...size, 1], kernel.shape);
    const outputPadding = size.map((cells, i) => {
      const full = ((input[i + 1] as number) - 1) * strides[i] + kernel.shape[i];
      return cells - (full - padding[2 * i] - padding[2 * i + 1]);
    });
    const swapped = swapLast(kernel.shape, Float32Array.from(kernel.data));
    const key = context.builder.put(`${kernel.key}/transposed`, swapped);
    const attrs = { strides, padding, outputPadding, activation: "linear" };
    return [
      {
        value: context.builder.add(context.name, "convTranspose2d", [valueAt(context, 2)], {
          attrs,
          weights: { kernel: key },
        }),
      },
    ];
  },
};

/** [rows, columns] swapped. */
function transposed({ key, shape: [rows, columns], data }: Constant): { key: string; weight: F32Weight } {
  const swapped = new Float32Array(rows * columns);
  for (let i = 0; i < swapped.length; i++) swapped[(i % columns) * rows + Math.floor(i / columns)] = data[i];
  return { key: `${key}/transposed`, weight: { dtype: "f32", shape: [columns, rows], data: swapped } };
}

function matrixProduct(transposeA: string, transposeB: string): GraphRule {
  return {
    inputs: { min: 2, max: Number.POSITIVE_INFINITY },
    unsupported: unsupportedFused,
    add(context) {
      const { attrs, builder, operands } = context;
      const [flipA, flipB] = [attrs.boolean(transposeA), attrs.boolean(transposeB)];
      const input = valueAt(context, 0);
      const matrix = operands[1].constant;
      if (!matrix)
        return [
          {
            value: builder.add(context.name, "matmul", [input, valueAt(context, 1)], {
              attrs: { transposeA: flipA, transposeB: flipB },
            }),
          },
        ];
      const sizes = matrix.shape.slice(-2);
      if (flipA || matrix.data.length !== sizes[0] * sizes[1]) {
        throw new UnsupportedError([
          `${context.op}: ${flipA ? transposeA : `a constant of ${formatShape(matrix.shape)}`}`,
        ]);
      }
      const plain = { ...matrix, shape: sizes };
      const swapped = transposed(plain);
      const kernel = flipB
        ? builder.put(swapped.key, swapped.weight)
        : weightOf(context, matrix, sizes.length === matrix.shape.length ? undefined : sizes);
      return addProduct(context, "dense", input, kernel, {});
    },
  };
}

/** gamma / sqrt(variance + epsilon) and beta - mean * that; Ioffe and Szegedy, 2015. */
const batchNorm: GraphRule = {
  inputs: { min: 5, max: 5 },
  unsupported: (node) => [
    ...unsupportedLayout(node),
    // Absent, it is true in TensorFlow, but converters leave false out: tfjs knows inference only.
    ...(node.attrs.boolean("is_training") ? [`${node.op}: is_training`] : []),
  ],
  add(context) {
    const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => constantAt(context, i).data);
    const epsilon = context.attrs.number("epsilon", 1e-3);
    const channels = mean.length;
    const scale = new Float32Array(channels);
    const offset = new Float32Array(channels);
    for (let c = 0; c < channels; c++) {
      const exact = gamma[c] / Math.sqrt(variance[c] + epsilon);
      scale[c] = exact;
      offset[c] = beta[c] - mean[c] * exact;
    }
    const put = (role: string, data: Float32Array) =>
      context.builder.put(`${context.name}/${role}`, { dtype: "f32", shape: [channels], data });
    const weights = { scale: put("scale", scale), offset: put("offset", offset) };
    return [{ value: context.builder.add(context.name, "affine", [valueAt(context, 0)], { weights }) }];
  },
};

export const productRules: GraphRules = {
  _FusedConv2D: convolution("conv2d"),
  _FusedMatMul: matrixProduct("transpose_a", "transpose_b"),
  BatchMatMul: matrixProduct("adj_x", "adj_y"),
  BatchMatMulV2: matrixProduct("adj_x", "adj_y"),
  Conv2D: convolution("conv2d"),
  Conv2DBackpropInput: conv2dBackpropInput,
  DepthwiseConv2d: convolution("depthwiseConv2d"),
  DepthwiseConv2dNative: convolution("depthwiseConv2d"),
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  FusedDepthwiseConv2dNative: convolution("depthwiseConv2d"),
  MatMul: matrixProduct("transpose_a", "transpose_b"),
};

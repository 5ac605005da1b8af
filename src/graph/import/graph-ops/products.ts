/** Convolutions and matrix products, plain and fused, and batch normalization. */

import { UnsupportedError } from "../../errors.js";
import { formatShape } from "../../shape.js";
import type { AttrValue, F32Weight } from "../../types.js";
import type { NodeDef } from "../graph-def.js";
import { swapLast } from "../layers/convolution.js";
import { apply, asView, broadcast, combine, permute, rankOf } from "./compute.js";
import {
  type Constant,
  type Context,
  constantAt,
  type GraphRule,
  type GraphRules,
  integersAt,
  type Operand,
  weightOf,
} from "./constant.js";
import { activationOf, addPrelu } from "./elements.js";
import { foldMatrixProduct } from "./fold.js";
import { addOp, along, batchOf, canonical, constantValue, sizesOf, type View, withoutBatch } from "./view.js";
import { imageAt, imageOperand, spatial, unsupportedLayout, unsupportedWindow, windowOf } from "./window.js";

const fusable = new Set(["BiasAdd", "Prelu"]);

function unsupportedFused({ op, attrs }: NodeDef): readonly string[] {
  const unknown = attrs.texts("fused_ops").filter((name) => !fusable.has(name) && !activationOf(name, attrs));
  return unknown.map((name) => `${op}: fused ${name}`);
}

/** Adds a product with what is fused to it: a bias, an activation, or a prelu after it. */
function addProduct(
  context: Context,
  op: string,
  input: View,
  kernel: string,
  attrs: Readonly<Record<string, AttrValue>>,
): Operand {
  const fused = context.attrs.texts("fused_ops");
  const extra = context.operands.slice(2);
  const bias = fused.includes("BiasAdd") ? weightOf(context, flat(extra[0]?.constant, context)) : undefined;
  const found = fused.map((name) => activationOf(name, context.attrs)).find((each) => each !== undefined);
  const { fn, numbers } = found ?? { fn: "linear", numbers: {} };
  const isPrelu = fused.includes("Prelu");
  const value = addOp(context, op, [input.value], {
    ...(isPrelu && { part: op }),
    attrs: { ...attrs, activation: fn, ...numbers },
    weights: { kernel, ...(bias === undefined ? {} : { bias }) },
  });
  const made = { value, order: input.order };
  return isPrelu
    ? addPrelu(context, made, { constant: constantAt(context, fused.includes("BiasAdd") ? 3 : 2) })
    : made;
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
    blocks: "take",
    unsupported: (node) => [...unsupportedWindow(node), ...unsupportedFused(node)],
    add(context) {
      const kernel = constantAt(context, 1);
      const { blocks } = context.operands[0];
      const given = spatial(context, context.attrs.numbers("dilations"));
      const apart = blocks ? spatial(context, blocks) : [1, 1];
      const dilations = (given.length === 0 ? [1, 1] : given).map((cells, i) => cells * apart[i]);
      const image = imageAt(context, 0);
      const window = windowOf(context, context.builder.shapeOf(image), kernel.shape, dilations);
      const isPlain = window.padding.every((cells) => cells === 0) && `${window.strides}` === "1,1";
      if (blocks && !isPlain)
        throw new UnsupportedError([`SpaceToBatchND before a ${context.op} with padding or strides`]);
      const order = [0, 1, 2, 3];
      const made = addProduct(context, op, { value: image, order }, weightOf(context, kernel), {
        ...window,
        dilations,
      });
      return [{ ...imageOperand(context, made.value as string), ...(blocks && { blocks }) }];
    },
  };
}

/** The gradient of a convolution to its input, which is a transposed convolution. */
const conv2dBackpropInput: GraphRule = {
  inputs: { min: 3, max: 3 },
  unsupported: unsupportedWindow,
  add(context) {
    const size = spatial(context, integersAt(context, 0));
    const kernel = constantAt(context, 1);
    const image = imageAt(context, 2);
    const input = context.builder.shapeOf(image);
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
      imageOperand(context, addOp(context, "convTranspose2d", [image], { attrs, weights: { kernel: key } })),
    ];
  },
};

/** [rows, columns] swapped. */
function transposed({ key, shape: [rows, columns], data }: Constant): { key: string; weight: F32Weight } {
  const swapped = new Float32Array(rows * columns);
  for (let i = 0; i < swapped.length; i++) swapped[(i % columns) * rows + Math.floor(i / columns)] = data[i];
  return { key: `${key}/transposed`, weight: { dtype: "f32", shape: [columns, rows], data: swapped } };
}

/** The last two axes change places. */
function flipped(context: Context, x: Operand, part: string): Operand {
  const rank = rankOf(context, x);
  const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
  return permute(context, x, perm, part);
}

/** A matrix, or many of which all but one size are 1. */
function isMatrix({ shape, data }: Constant): boolean {
  return shape.length >= 2 && data.length === (shape.at(-1) as number) * (shape.at(-2) as number);
}

/** A value times a matrix that is known, [depth, n], turned first where it is [n, depth]. */
export function timesMatrix(
  context: Context,
  x: Operand,
  matrix: Constant,
  isTurned: boolean,
  hasFused = true,
): Operand {
  const sizes = matrix.shape.slice(-2);
  const swapped = transposed({ ...matrix, shape: sizes });
  const kernel = isTurned
    ? context.builder.put(swapped.key, swapped.weight)
    : weightOf(context, matrix, sizes.length === matrix.shape.length ? undefined : sizes);
  const { view } = along(context, asView(context, x), [-1]);
  const input = canonical(context, view);
  if (hasFused) return addProduct(context, "dense", input, kernel, {});
  const value = addOp(context, "dense", [input.value], { weights: { kernel } });
  return { value, order: input.order };
}

/** Two values as matrices of their last two axes. */
export function timesValue(context: Context, a: Operand, b: Operand, part?: string): Operand {
  // The batch is of matrices: none is a side of one.
  const views = [a, b].map((x) => along(context, asView(context, x), [-1, -2]).view);
  const rank = Math.max(...views.map(({ order }) => order.length));
  const heads = views.map((view) => {
    const sizes = sizesOf(context, view).slice(0, -2);
    return [...new Array<number>(rank - 2 - sizes.length).fill(1), ...sizes];
  });
  const head = heads[0].map((dim, i) => (dim === 1 ? heads[1][i] : dim));
  const [left, right] = views.map((view) => {
    const sizes = [...head, ...sizesOf(context, view).slice(-2)].map((dim) => dim ?? Number.NaN);
    return broadcast(
      { ...context, name: `${context.name}/${view === views[0] ? "left" : "right"}` },
      view,
      sizes,
    );
  });
  let ordered = [left, right].map((x) => canonical(context, asView(context, x)));
  if (batchOf(ordered[0]) !== batchOf(ordered[1])) {
    if (context.batch !== 1) {
      throw new UnsupportedError([
        `${context.op}: ${views.map((view) => formatShape(sizesOf(context, view))).join(" and ")}`,
      ]);
    }
    ordered = ordered.map((view) => canonical(context, withoutBatch(context, view)));
  }
  const values = ordered.map(({ value }) => value);
  // One matrix a sample has no axis before it.
  return {
    value: addOp(context, "matmul", values, part === undefined ? {} : { part }),
    order: ordered[0].order,
  };
}

function matrixProduct(transposeA: string, transposeB: string): GraphRule {
  return {
    inputs: { min: 2, max: Number.POSITIVE_INFINITY },
    unsupported: unsupportedFused,
    add(context) {
      const { attrs, operands } = context;
      const [isFlippedA, isFlippedB] = [attrs.boolean(transposeA), attrs.boolean(transposeB)];
      const a = isFlippedA ? flipped(context, operands[0], "a") : operands[0];
      const b = operands[1];
      if (b.constant && !a.constant && isMatrix(b.constant)) {
        return [timesMatrix(context, a, b.constant, isFlippedB)];
      }
      const right = isFlippedB ? flipped(context, b, "b") : b;
      return [withFused(context, productOf(context, a, right))];
    },
  };
}

function productOf(context: Context, a: Operand, b: Operand): Operand {
  if (a.constant && b.constant) return { constant: foldMatrixProduct(context.name, a.constant, b.constant) };
  if (a.constant && isMatrix(a.constant)) {
    // a b = (b' a')', and a' is what a value is multiplied by.
    return flipped(context, timesMatrix(context, flipped(context, b, "b"), a.constant, true, false), "back");
  }
  if (a.constant) return timesValue(context, constantValue(context, asView(context, b), a.constant), b);
  if (b.constant) return timesValue(context, a, constantValue(context, asView(context, a), b.constant));
  return timesValue(context, a, b);
}

/** What is fused to a product that is no dense layer, after it. */
function withFused(context: Context, product: Operand): Operand {
  let result = product;
  let next = 2;
  for (const fused of context.attrs.texts("fused_ops")) {
    const inner = { ...context, name: `${context.name}/${fused}` };
    const activation = activationOf(fused, context.attrs);
    if (fused === "BiasAdd") result = combine(inner, "add", result, context.operands[next++]);
    else if (fused === "Prelu") result = addPrelu(inner, result, context.operands[next++]);
    else if (activation) result = apply(inner, activation.fn, result, undefined, activation.numbers);
  }
  return result;
}

/** gamma / sqrt(variance + epsilon) and beta - mean * that; Ioffe and Szegedy, 2015. */
const batchNorm: GraphRule = {
  inputs: { min: 5, max: 5 },
  blocks: "keep",
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
    return [imageOperand(context, addOp(context, "affine", [imageAt(context, 0)], { weights }))];
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

/**
 * The model of the peer `ort-web int8`: a graph that compress() made, in onnxruntime's own int8 ops (QOperator form).
 *
 * Weights are the graph's s8 codes and scales. Activations are uint8 with the ranges that pare calibrated: a step of
 * u7 is two of u8 (scale / 2, zero * 2), so that zeros and products stay exact, and what is above 127 saturates
 * at 255, which is half a step more.
 */

import {
  type Graph,
  type I32Weight,
  inferShapes,
  type Node,
  type QuantParams,
  type S8Weight,
  type Weight,
  weightsOf,
} from "../../src/graph/index.js";
import { type Built, OnnxBuilder } from "./builder.js";
import { joinPlanes } from "./join-planes.js";
import type { OnnxModel } from "./model.js";

type Numbers = Readonly<Record<string, readonly number[]>>;

/** What turns a node into ONNX knows of it. */
interface Place {
  readonly node: Node;
  readonly weights: Readonly<Record<string, Weight>>;
  /** The values that it reads. */
  readonly inputs: readonly Built[];
  /** Of the first input and of the result, where these are codes. */
  readonly from: QuantParams | undefined;
  readonly to: QuantParams | undefined;
  /** Of the result: [1, h, w, c]. */
  readonly shape: readonly number[];
}

/**
 * @param graph int8, of layers that the bench's nets have
 * @returns a model of batch 1 with the graph's inputs, by name, and outputs, in their order, f32 and [1, h, w, c] as
 *   pare has them
 * @throws RangeError for an op, an activation or a kernel that it cannot say
 */
export function onnxFromGraph(graph: Graph): OnnxModel {
  const joined = joinPlanes(graph);
  const builder = new OnnxBuilder();
  const shapes = inferShapes(joined);
  const shapeOf = (value: string) => (shapes.get(value) as readonly (number | null)[]).map((dim) => dim ?? 1);
  const values = new Map<string, Built>();
  for (const { name } of joined.inputs) {
    const params = finer(joined.quant.get(name));
    const given = { name, shape: shapeOf(name) };
    // Codes are moved, not f32: a quarter of the bytes.
    const value = params ? builder.quantized(given, params) : given;
    values.set(name, builder.transposed(value, "to [c, h, w]"));
  }
  for (const node of joined.nodes) {
    const place: Place = {
      node,
      weights: weightsOf(joined, node),
      inputs: node.inputs.map((value) => values.get(value) as Built),
      from: finer(joined.quant.get(node.inputs[0])),
      to: finer(joined.quant.get(node.name)),
      shape: shapeOf(node.name),
    };
    values.set(node.name, convert(builder, place));
  }
  const outputs = joined.outputs.map(({ value }) =>
    builder.real(builder.transposed(values.get(value) as Built, "to [h, w, c]")),
  );
  const inputs = joined.inputs.map(({ name }) => ({ name, shape: shapeOf(name) }));
  return builder.build(inputs, outputs);
}

function finer(params: QuantParams | undefined): QuantParams | undefined {
  return params && { scale: params.scale / 2, zero: params.zero * 2 };
}

function convert(builder: OnnxBuilder, place: Place): Built {
  const { node, inputs, from, to, shape } = place;
  switch (node.op) {
    case "conv2d":
    case "depthwiseConv2d":
      return convolution(builder, place);
    case "dense":
      return dense(builder, place);
    case "add":
      return sum(builder, place);
    case "maxPool":
      return {
        ...inputs[0],
        name: builder.node(node.name, "MaxPool", [builder.quantized(inputs[0], from).name], windowOf(node)),
        shape,
        ...optionalParams(from),
      };
    case "averagePool":
      return averagePool(builder, place);
    case "reduce":
      return globalMean(builder, place);
    case "reshape": {
      const value = to ? builder.quantized(inputs[0], to) : inputs[0];
      // Numbers keep the order in which they lie, and that is pare's.
      const moved = builder.reshaped(builder.transposed(value, "to [h, w, c]"), node.name, shape);
      return builder.transposed(moved, "to [c, h, w]");
    }
    case "unary":
      if (node.attrs.fn !== "linear" || !to) break;
      return { ...builder.quantized(inputs[0], to), shape };
    case "softmax": {
      if (shape.length !== 2) break;
      const { name } = builder.real(inputs[0]);
      return { name: builder.node(node.name, "Softmax", [name], { axis: -1 }), shape };
    }
  }
  throw new RangeError(`onnx: no int8 op for ${node.op} ${node.name} of shape ${shape}`);
}

function convolution(builder: OnnxBuilder, place: Place): Built {
  const { node, inputs, from, to, shape } = place;
  const x = builder.quantized(inputs[0], from);
  const { kernel, bias } = product(place, x.params);
  const [rows, columns, channels, last] = kernel.shape;
  const isDepthwise = node.op === "depthwiseConv2d";
  // [h, w, in, out] and [h, w, in, multiplier]: the output channels are what is behind the taps, or the last.
  const filters = isDepthwise ? channels * last : last;
  const depth = isDepthwise ? 1 : channels;
  const w = builder.constant(
    `${node.name} kernel`,
    [filters, depth, rows, columns],
    transposed(kernel.data, rows * columns * depth, filters, rows * columns),
  );
  if (!to) throw new RangeError(`onnx: wanted the scale of ${node.name}, got none`);
  checkActivation(node, to);
  const name = builder.node(
    node.name,
    "QLinearConv",
    [
      ...[x.name, ...builder.params(x.params)],
      ...[w, ...weightParams(builder, node, kernel)],
      ...builder.params(to),
      builder.constant(`${node.name} bias`, [filters], bias),
    ],
    {
      ...windowOf(node),
      kernel_shape: [rows, columns],
      dilations: node.attrs.dilations as readonly number[],
      group: isDepthwise ? channels : 1,
    },
  );
  return { name, shape, params: to };
}

function dense(builder: OnnxBuilder, place: Place): Built {
  const { node, inputs, from, to, shape } = place;
  const x = builder.quantized(inputs[0], from);
  const { kernel, bias } = product(place, x.params);
  if (shape.length !== 2) throw new RangeError(`onnx: wanted ${node.name} of rank 2, got ${shape}`);
  if (to) checkActivation(node, to);
  const sums = builder.microsoftNode(to ? node.name : `${node.name} sums`, "QGemm", [
    ...[x.name, ...builder.params(x.params)],
    builder.constant(`${node.name} kernel`, kernel.shape, kernel.data),
    ...weightParams(builder, node, kernel),
    builder.constant(`${node.name} bias`, [bias.length], bias),
    // Without them the result is f32.
    ...(to ? builder.params(to) : []),
  ]);
  if (to) return { name: sums, shape, params: to };
  const { activation = "linear" } = node.attrs;
  if (activation === "linear") return { name: sums, shape };
  if (activation === "relu" && node.attrs.maxValue === undefined) {
    return { name: builder.node(node.name, "Relu", [sums]), shape };
  }
  throw new RangeError(`onnx: no activation for ${activation} of ${node.name}`);
}

function sum(builder: OnnxBuilder, { node, inputs, to, shape }: Place): Built {
  if (!to || inputs.some(({ params }) => !params)) {
    throw new RangeError(`onnx: wanted codes in and out of ${node.name}, got f32`);
  }
  checkActivation(node, to);
  const terms = inputs.flatMap(({ name, params }) => [name, ...builder.params(params as QuantParams)]);
  const name = builder.microsoftNode(node.name, "QLinearAdd", [...terms, ...builder.params(to)]);
  return { name, shape, params: to };
}

function averagePool(builder: OnnxBuilder, { node, inputs, from, to, shape }: Place): Built {
  const x = builder.quantized(inputs[0], from);
  const params = to ?? x.params;
  const operands = [x.name, ...builder.params(x.params), ...builder.params(params)];
  const name = builder.microsoftNode(node.name, "QLinearAveragePool", operands, windowOf(node));
  return { name, shape, params };
}

function globalMean(builder: OnnxBuilder, { node, inputs, from, to, shape }: Place): Built {
  const { fn, axes, keepDims } = node.attrs;
  if (fn !== "mean" || `${axes}` !== "1,2") {
    throw new RangeError(`onnx: wanted the mean of a picture in ${node.name}, got ${fn} of ${axes}`);
  }
  const x = builder.quantized(inputs[0], from);
  const params = to ?? x.params;
  const operands = [x.name, ...builder.params(x.params), ...builder.params(params)];
  const output = keepDims ? node.name : `${node.name} picture`;
  const name = builder.microsoftNode(output, "QLinearGlobalAveragePool", operands, { channels_last: 0 });
  const pooled = { name, shape, params };
  return keepDims ? pooled : builder.reshaped(pooled, node.name, shape);
}

/**
 * Kernel and bias of a product: pare's bias has the zero point of its input folded in, ONNX' has not, and it
 * counts in steps of u7, which are two of u8.
 */
function product({ node, weights: { kernel, bias } }: Place, { zero }: QuantParams) {
  if (kernel?.dtype !== "s8") throw new RangeError(`onnx: wanted a kernel of s8 in ${node.name}`);
  const { data, scale } = kernel;
  const sums = new Int32Array(scale.length);
  for (let i = 0; i < data.length; i++) sums[i % scale.length] += data[i];
  const steps = (bias as I32Weight | undefined)?.data;
  // zero is that of u8: it is two times as large already.
  return { kernel, bias: sums.map((weightSum, i) => 2 * (steps?.[i] ?? 0) + zero * weightSum) };
}

/** One scale for each output channel, one zero point, 0. */
function weightParams(builder: OnnxBuilder, { name }: Node, { scale }: S8Weight): [string, string] {
  const zeros = new Int8Array(scale.length);
  return [
    builder.constant(`${name} scale`, [scale.length], scale),
    builder.constant(`weight zeros ${zeros.length}`, [zeros.length], zeros),
  ];
}

/** Saturation does the work of relu where real 0 is code 0, and of relu6 where 6 is the last code. */
function checkActivation({ name, attrs, weights }: Node, { scale, zero }: QuantParams): void {
  const { activation = "linear", maxValue = activation === "relu6" ? 6 : undefined } = attrs;
  const isFree =
    activation === "linear" ||
    ((activation === "relu" || activation === "relu6") &&
      zero === 0 &&
      (maxValue === undefined || 254 * scale <= (maxValue as number) * 1.0001));
  if (!isFree || weights.table !== undefined) {
    throw new RangeError(`onnx: no fused ${activation} for ${name} of scale ${scale}, zero ${zero}`);
  }
}

const optionalParams = (params: QuantParams | undefined) => (params ? { params } : {});

function windowOf({ attrs }: Node) {
  const { strides, padding, size } = attrs as Numbers;
  const [top, bottom, left, right] = padding;
  return { strides, pads: [top, left, bottom, right], ...(size && { kernel_shape: size }) };
}

/** [taps][depth][filters] -> [filters][depth][taps] */
function transposed(codes: Int8Array, inner: number, filters: number, taps: number): Int8Array {
  const depth = inner / taps;
  return Int8Array.from({ length: codes.length }, (_, i) => {
    const [filter, channel, tap] = [Math.floor(i / inner), Math.floor(i / taps) % depth, i % taps];
    return codes[(tap * depth + channel) * filters + filter];
  });
}

/** Activations, arithmetic, reductions and pools. */

import { UnsupportedError } from "../../errors.js";
import { formatShape } from "../../shape.js";
import type { AttrValue } from "../../types.js";
import type { Attributes } from "../graph-def.js";
import {
  type Constant,
  type Context,
  constantAt,
  type GraphRule,
  type GraphRules,
  integersAt,
  type Operand,
  sampleAxis,
  shapeAt,
  valueAt,
  weightOf,
} from "./constant.js";
import { foldBinary, foldReduction, foldUnary } from "./fold.js";
import { unsupportedLayout, unsupportedWindow, windowOf } from "./window.js";

type Attrs = Readonly<Record<string, AttrValue>>;

const activations: Readonly<Record<string, string>> = {
  Elu: "elu",
  Relu: "relu",
  Relu6: "relu6",
  Selu: "selu",
  Sigmoid: "sigmoid",
  Softplus: "softplus",
  Softsign: "softsign",
  Tanh: "tanh",
};

/** Attributes of the unary node that an op, alone or fused, stands for; undefined if it is none. */
export function activationAttrs(op: string, attrs: Attributes): Attrs | undefined {
  // Fused, the number goes by another name.
  if (op === "LeakyRelu")
    return { fn: "leakyRelu", alpha: attrs.number("alpha", attrs.number("leakyrelu_alpha", 0.2)) };
  return Object.hasOwn(activations, op) ? { fn: activations[op] } : undefined;
}

/** A unary op of the graph, or of numbers that are known. */
const activation: GraphRule = {
  inputs: { min: 1, max: 1 },
  add(context) {
    const { constant } = context.operands[0];
    if (constant) return [foldUnary(context, constant)];
    const attrs = activationAttrs(context.op, context.attrs) as Attrs;
    return [{ value: context.builder.add(context.name, "unary", [valueAt(context, 0)], { attrs }) }];
  },
};

const constantOnly: GraphRule = {
  inputs: { min: 1, max: 1 },
  ofConstants: true,
  add: (context) => [foldUnary(context, constantAt(context, 0))],
};

/** Ops that are arithmetic with a number: -x is x * -1. */
function withNumber(op: string, number: number): GraphRule {
  return {
    inputs: { min: 1, max: 1 },
    add(context) {
      const { constant } = context.operands[0];
      if (constant) return [foldUnary(context, constant)];
      const operand = context.builder.put(`${number}`, {
        dtype: "f32",
        shape: [],
        data: Float32Array.of(number),
      });
      return [
        { value: context.builder.add(context.name, op, [valueAt(context, 0)], { weights: { operand } }) },
      ];
    },
  };
}

const square: GraphRule = {
  inputs: { min: 1, max: 1 },
  add(context) {
    const { constant } = context.operands[0];
    if (constant) return [foldUnary(context, constant)];
    const x = valueAt(context, 0);
    return [{ value: context.builder.add(context.name, "multiply", [x, x]) }];
  },
};

const squaredDifference: GraphRule = {
  inputs: { min: 2, max: 2 },
  add(context) {
    const difference = addArithmetic({ ...context, name: `${context.name}/difference` }, "subtract");
    return [{ value: context.builder.add(context.name, "multiply", [difference, difference]) }];
  },
};

/** @returns the name of the value; at least one of the operands is one */
function addArithmetic(context: Context, op: string, operands = context.operands): string {
  const { builder, name } = context;
  const [a, b] = operands;
  if (a.value !== undefined && b.value !== undefined) {
    const shapes = [a.value, b.value].map((value) => builder.shapeOf(value));
    // Lined up from the right, the batch of one would meet another axis of the other.
    if (shapes[0].length !== shapes[1].length) {
      throw new UnsupportedError([`${context.op}: ${shapes.map(formatShape).join(" and ")}`]);
    }
    return builder.add(name, op, [a.value, b.value]);
  }
  const operandFirst = a.value === undefined;
  const constant = (operandFirst ? a.constant : b.constant) as Constant;
  const value = (operandFirst ? b.value : a.value) as string;
  const operand = weightOf(context, constant, sampleShape(context, constant, builder.shapeOf(value).length));
  const attrs = operandFirst ? { operandFirst } : {};
  return builder.add(name, op, [value], { attrs, weights: { operand } });
}

/** The shape of a constant beside a value: without its batch, which has to be 1. */
function sampleShape({ op }: Context, { shape }: Constant, rank: number): readonly number[] {
  if (shape.length < rank) return shape;
  if (shape.length === rank && shape[0] === 1) return shape.slice(1);
  throw new UnsupportedError([`${op}: a constant of ${formatShape(shape)}`]);
}

function arithmetic(op: string): GraphRule {
  return {
    inputs: { min: 2, max: 2 },
    unsupported: unsupportedLayout,
    add(context) {
      const [a, b] = context.operands;
      if (a.constant && b.constant) return [foldBinary(context, op, a.constant, b.constant)];
      return [{ value: addArithmetic(context, op) }];
    },
  };
}

const addAll: GraphRule = {
  inputs: { min: 1, max: Number.POSITIVE_INFINITY },
  add(context) {
    const { operands, name } = context;
    const last = operands.length - 1;
    return [
      operands.reduce((sum, operand, i) => {
        const step = { ...context, name: i === last ? name : `${name}/${i}` };
        if (sum.constant && operand.constant) return foldBinary(step, "add", sum.constant, operand.constant);
        return { value: addArithmetic(step, "add", [sum, operand]) };
      }),
    ];
  },
};

/** Adds a prelu; the slopes of a graph model have the shape of the channels or of a batch of 1. */
export function addPrelu(context: Context, value: string, alpha: Constant): string {
  const rank = context.builder.shapeOf(value).length;
  const sample = sampleShape(context, alpha, rank);
  const shape = [...new Array<number>(rank - 1 - sample.length).fill(1), ...sample];
  return context.builder.add(context.name, "prelu", [value], {
    weights: { alpha: weightOf(context, alpha, shape) },
  });
}

const prelu: GraphRule = {
  inputs: { min: 2, max: 2 },
  add: (context) => [{ value: addPrelu(context, valueAt(context, 0), constantAt(context, 1)) }],
};

const clip: GraphRule = {
  inputs: { min: 3, max: 3 },
  add(context) {
    const above = { ...context, name: `${context.name}/above` };
    const value = addArithmetic(above, "maximum", [context.operands[0], context.operands[1]]);
    return [{ value: addArithmetic(context, "minimum", [{ value }, context.operands[2]]) }];
  },
};

function softmax(op: "softmax" | "logSoftmax"): GraphRule {
  return {
    inputs: { min: 1, max: 1 },
    add: (context) => [
      { value: context.builder.add(context.name, op, [valueAt(context, 0)], { attrs: { axis: -1 } }) },
    ],
  };
}

function reduction(fn: string): GraphRule {
  return {
    inputs: { min: 2, max: 2 },
    add(context): readonly Operand[] {
      const keepDims = context.attrs.boolean("keep_dims");
      const { constant } = context.operands[0];
      if (constant) return [foldReduction(context, fn, constant, integersAt(context, 1), keepDims)];
      const rank = shapeAt(context, 0).length;
      const axes = integersAt(context, 1).map((axis) => sampleAxis(context, axis, rank));
      const ascending = [...new Set(axes)].sort((a, b) => a - b);
      const attrs = { fn, axes: ascending, keepDims };
      return [{ value: context.builder.add(context.name, "reduce", [valueAt(context, 0)], { attrs }) }];
    },
  };
}

function pool(op: "maxPool" | "averagePool"): GraphRule {
  return {
    inputs: { min: 1, max: 1 },
    unsupported: unsupportedWindow,
    add(context) {
      const [batch, ...size] = context.attrs.numbers("ksize").slice(0, 3);
      if (batch !== 1 || size.length !== 2) throw new UnsupportedError([`${context.op}: ksize ${batch}`]);
      const attrs = { size, ...windowOf(context, shapeAt(context, 0), size) };
      return [{ value: context.builder.add(context.name, op, [valueAt(context, 0)], { attrs }) }];
    },
  };
}

const byName = (names: readonly string[], rule: GraphRule): GraphRules =>
  Object.fromEntries(names.map((op) => [op, rule]));

export const elementRules: GraphRules = {
  ...byName([...Object.keys(activations), "LeakyRelu"], activation),
  ...byName(["Abs", "Exp", "Log", "Reciprocal", "Rsqrt", "Sqrt"], constantOnly),
  Add: arithmetic("add"),
  AddN: addAll,
  AddV2: arithmetic("add"),
  AvgPool: pool("averagePool"),
  BiasAdd: arithmetic("add"),
  ClipByValue: clip,
  Div: arithmetic("divide"),
  LogSoftmax: softmax("logSoftmax"),
  Max: reduction("max"),
  MaxPool: pool("maxPool"),
  Maximum: arithmetic("maximum"),
  Mean: reduction("mean"),
  Min: reduction("min"),
  Minimum: arithmetic("minimum"),
  Mul: arithmetic("multiply"),
  Neg: withNumber("multiply", -1),
  Prelu: prelu,
  Prod: reduction("product"),
  RealDiv: arithmetic("divide"),
  Softmax: softmax("softmax"),
  Square: square,
  SquaredDifference: squaredDifference,
  Sub: arithmetic("subtract"),
  Sum: reduction("sum"),
};

/** Ops on each element, or on rows of the last axis. */

import { activate, build, needed, type Row, type Rows, read, type Tensor } from "./tensor.js";

const functions: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  maximum: Math.max,
  minimum: Math.min,
  equal: (a, b) => Number(a === b),
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  mask: (a, b) => (b === 0 ? 0 : a),
};

const arithmetic: Row = (context) => {
  const { node, inputs, shape } = context;
  const operand = context.weight("operand");
  const pair = operand ? [inputs[0], { ...operand, shape: [1, ...sampleOf(operand, shape)] }] : inputs;
  const [a, b] = node.attrs.operandFirst ? [pair[1], pair[0]] : pair;
  // A value of a lower rank than its operand broadcasts too, but its batch is its first axis still.
  const aligned = [a, b].map((tensor) => ({
    ...tensor,
    shape: [tensor.shape[0], ...sampleOf({ ...tensor, shape: tensor.shape.slice(1) }, shape)],
  }));
  const f = functions[node.op];
  const data = build(shape, (index) => f(read(aligned[0], index), read(aligned[1], index)));
  return activate(node, node.attrs.activation ?? "linear", data);
};

/** The shape of a sample with 1 in front up to the rank of the result's samples. */
function sampleOf({ shape }: Tensor, result: readonly number[]): readonly number[] {
  return [...new Array<number>(result.length - 1 - shape.length).fill(1), ...shape];
}

function overRows({ shape, data }: Tensor, f: (row: Float64Array) => ArrayLike<number>): Float64Array {
  const size = shape[shape.length - 1];
  const result = new Float64Array(data.length);
  for (let i = 0; i < data.length; i += size) result.set(f(data.subarray(i, i + size)), i);
  return result;
}

function logSum(row: Float64Array): number {
  const max = row.reduce((a, b) => Math.max(a, b));
  return max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
}

const layerNorm: Row = (context) => {
  const [gamma, beta] = [context.weight("gamma")?.data, context.weight("beta")?.data];
  return overRows(context.inputs[0], (row) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
    const inverse = 1 / Math.sqrt(variance + Number(context.node.attrs.epsilon));
    return row.map((value, c) => (value - mean) * inverse * (gamma?.[c] ?? 1) + (beta?.[c] ?? 0));
  });
};

export const elementRows: Rows = {
  ...Object.fromEntries(Object.keys(functions).map((op) => [op, arithmetic])),
  unary: ({ node, inputs: [x] }) => activate(node, node.attrs.fn, x.data),
  affine(context) {
    const [scale, offset] = [needed(context, "scale").data, needed(context, "offset").data];
    return context.inputs[0].data.map(
      (value, i) => value * scale[i % scale.length] + offset[i % scale.length],
    );
  },
  prelu(context) {
    const alpha = needed(context, "alpha");
    return build(context.shape, (index, i) => {
      const value = context.inputs[0].data[i];
      return value >= 0 ? value : value * read(alpha, index);
    });
  },
  softmax: ({ inputs: [x] }) =>
    overRows(x, (row) => {
      const sum = logSum(row);
      return row.map((value) => Math.exp(value - sum));
    }),
  logSoftmax: ({ inputs: [x] }) =>
    overRows(x, (row) => {
      const sum = logSum(row);
      return row.map((value) => value - sum);
    }),
  layerNorm,
};

/** The slowest right answer: an f32 graph in plain JS, f64 inside. The tests' own reference. */

import {
  type Graph,
  inferShapes,
  isUnaryFunctionName,
  type Node,
  type Shape,
  sizeOf,
  unaryFunctions,
  unaryNumbers,
} from "../../src/graph/index.js";

export type Values = Readonly<Record<string, ArrayLike<number>>>;

interface Context {
  readonly node: Node;
  readonly x: readonly number[];
  /** Of the input, with its batch. */
  readonly shape: Shape;
  weight(role: string): ArrayLike<number> | undefined;
}

const rows: Readonly<Record<string, (context: Context) => readonly number[]>> = {
  dense({ node, x, shape, weight }) {
    const [kernel, bias] = [weight("kernel") as ArrayLike<number>, weight("bias")];
    const depth = shape.at(-1) as number;
    const outputs = kernel.length / depth;
    const y: number[] = [];
    for (let row = 0; row < x.length / depth; row++) {
      for (let o = 0; o < outputs; o++) {
        let sum = bias?.[o] ?? 0;
        for (let i = 0; i < depth; i++) sum += x[row * depth + i] * kernel[i * outputs + o];
        y.push(sum);
      }
    }
    return activate(node, node.attrs.activation ?? "linear", y);
  },
  unary: ({ node, x }) => activate(node, node.attrs.fn, x),
  affine({ x, weight }) {
    const [scale, offset] = [weight("scale") as ArrayLike<number>, weight("offset") as ArrayLike<number>];
    return x.map((value, i) => value * scale[i % scale.length] + offset[i % scale.length]);
  },
  prelu({ x, shape, weight, node }) {
    const alpha = weight("alpha") as ArrayLike<number>;
    const sample = sizeOf(shape);
    // Shared axes are not evaluated here; a test that has them compares with tfjs' shape only.
    if (alpha.length !== sample) throw new Error(`${node.name}: shared alpha`);
    return x.map((value, i) => (value >= 0 ? value : alpha[i % sample] * value));
  },
  reshape: ({ x }) => x,
  softmax: ({ x, shape }) => overRows(x, shape, (row) => row.map((value) => Math.exp(value - logSum(row)))),
  logSoftmax: ({ x, shape }) => overRows(x, shape, (row) => row.map((value) => value - logSum(row))),
};

function activate(node: Node, fn: unknown, x: readonly number[]): readonly number[] {
  if (!isUnaryFunctionName(fn)) throw new Error(`${node.name}: ${fn}`);
  return x.map((value) => unaryFunctions[fn](value, unaryNumbers(fn, node.attrs)));
}

function overRows(x: readonly number[], shape: Shape, f: (row: readonly number[]) => readonly number[]) {
  const size = shape.at(-1) as number;
  return Array.from({ length: x.length / size }, (_, i) => f(x.slice(i * size, (i + 1) * size))).flat();
}

function logSum(row: readonly number[]): number {
  const max = Math.max(...row);
  return max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
}

/** @returns output name to its numbers, for the batch that `inputs` hold */
export function evaluate(graph: Graph, inputs: Values): Record<string, readonly number[]> {
  const shapes = inferShapes(graph);
  const values = new Map<string, readonly number[]>();
  for (const { name } of graph.inputs) values.set(name, Array.from(inputs[name]));
  for (const node of graph.nodes) {
    const context: Context = {
      node,
      x: values.get(node.inputs[0]) as readonly number[],
      shape: shapes.get(node.inputs[0]) as Shape,
      weight: (role) => graph.weights.get(node.weights[role])?.data,
    };
    values.set(node.name, rows[node.op](context));
  }
  return Object.fromEntries(graph.outputs.map(({ name, value }) => [name, values.get(value) ?? []]));
}

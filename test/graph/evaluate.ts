/** The slowest right answer: an f32 graph in plain JS, f64 inside. The tests' own reference. */

import { type Graph, inferShapes, type Shape, sizeOf } from "../../src/graph/index.js";
import { elementRows } from "./evaluate/elements.js";
import { imageRows } from "./evaluate/images.js";
import { moveRows } from "./evaluate/moves.js";
import { productRows } from "./evaluate/products.js";
import { recurrentRows } from "./evaluate/recurrent.js";
import type { Rows, Tensor } from "./evaluate/tensor.js";

export type Values = Readonly<Record<string, ArrayLike<number>>>;

const rows: Rows = { ...elementRows, ...imageRows, ...moveRows, ...productRows, ...recurrentRows };

/** The ops it knows. */
export const evaluatedOps: readonly string[] = Object.keys(rows);

/** @returns every value of the graph, for the batch that `inputs` hold */
export function evaluateAll(graph: Graph, inputs: Values): ReadonlyMap<string, Tensor> {
  const shapes = inferShapes(graph);
  const values = new Map<string, Tensor>();
  let batch = 1;
  for (const { name, shape } of graph.inputs) {
    batch = inputs[name].length / sizeOf(shape);
    values.set(name, { shape: withBatch(shape, batch), data: Float64Array.from(inputs[name]) });
  }
  for (const node of graph.nodes) {
    const shape = withBatch(shapes.get(node.name) as Shape, batch);
    const data = rows[node.op]({
      node,
      inputs: node.inputs.map((name) => values.get(name) as Tensor),
      shape,
      weight(role) {
        const weight = graph.weights.get(node.weights[role]);
        return weight && { shape: weight.shape, data: Float64Array.from(weight.data) };
      },
    });
    values.set(node.name, { shape, data });
  }
  return values;
}

/** @returns output name to its numbers, for the batch that `inputs` hold */
export function evaluate(graph: Graph, inputs: Values): Record<string, readonly number[]> {
  const values = evaluateAll(graph, inputs);
  return Object.fromEntries(
    graph.outputs.map(({ name, value }) => [name, Array.from(values.get(value)?.data ?? [])]),
  );
}

function withBatch(shape: Shape, batch: number): readonly number[] {
  return shape.map((dim) => dim ?? batch);
}

/** Removes nodes that hand on what they read. */

import { withNodes } from "../graph.js";
import { inferShapes } from "../infer.js";
import { sameShape } from "../shape.js";
import type { Graph, Node, Shape } from "../types.js";

/**
 * Removes linear unary nodes and reshapes to the shape there is already. Outputs keep their names and
 * point to what the removed node read.
 *
 * @returns the same graph if there is nothing to remove
 */
export function removeNoOps(graph: Graph): Graph {
  const shapes = inferShapes(graph);
  const source = new Map<string, string>();
  // In order, so that a chain of no-ops ends at its beginning.
  const resolve = (value: string) => source.get(value) ?? value;
  for (const node of graph.nodes) {
    if (isNoOp(graph, node, shapes)) source.set(node.name, resolve(node.inputs[0]));
  }
  if (source.size === 0) return graph;
  return withNodes(graph, {
    nodes: graph.nodes
      .filter((node) => !source.has(node.name))
      .map((node) =>
        node.inputs.some((value) => source.has(value)) ? { ...node, inputs: node.inputs.map(resolve) } : node,
      ),
    outputs: graph.outputs.map(({ name, value }) => ({ name, value: resolve(value) })),
  });
}

function isNoOp(graph: Graph, node: Node, shapes: ReadonlyMap<string, Shape>): boolean {
  const [input] = node.inputs;
  if (!sameParams(graph, node.name, input)) return false;
  if (node.op === "unary") return node.attrs.fn === "linear" && node.weights.table === undefined;
  if (node.op === "reshape") {
    return sameShape(shapes.get(node.name) as Shape, shapes.get(input) as Shape);
  }
  return false;
}

/** Between values of different u7 parameters, or of u7 and f32, there is a conversion. */
function sameParams(graph: Graph, a: string, b: string): boolean {
  const [first, second] = [graph.quant.get(a), graph.quant.get(b)];
  return first?.scale === second?.scale && first?.zero === second?.zero;
}

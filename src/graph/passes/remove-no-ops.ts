/** Removes nodes that hand on what they read. */

import { withNodes } from "../graph.js";
import { inferShapes } from "../infer.js";
import { sameShape } from "../shape.js";
import type { Graph, Node, Shape } from "../types.js";

/**
 * Removes linear unary nodes, affines by 1 and 0, and nodes that move nothing: reshapes and resizes to
 * the shape there is already, transposes in order, pads and slices of nothing, concats of one. Outputs
 * keep their names and point to what the removed node read.
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
  if (node.op === "affine") return isIdentity(graph, node);
  const keepsShape = sameShape(shapes.get(node.name) as Shape, shapes.get(input) as Shape);
  return keepsShape && Object.hasOwn(moves, node.op) && moves[node.op](node);
}

/** Ops that, where they keep the shape and this holds, keep every number in its place. */
const moves: Readonly<Record<string, (node: Node) => boolean>> = {
  concat: ({ inputs }) => inputs.length === 1,
  pad: () => true,
  reshape: () => true,
  resize: () => true,
  // From -1 on an axis reversed; else, a part as large as the whole is the whole.
  slice: ({ attrs }) => (attrs.strides as readonly number[]).every((stride) => stride > 0),
  transpose: ({ attrs }) => (attrs.perm as readonly number[]).every((axis, i) => axis === i),
};

function isIdentity(graph: Graph, { weights }: Node): boolean {
  const is = (role: string, wanted: number) => {
    return graph.weights.get(weights[role])?.data.every((value: number) => value === wanted) === true;
  };
  return is("scale", 1) && is("offset", 0);
}

/** Between values of different u7 parameters, or of u7 and f32, there is a conversion. */
function sameParams(graph: Graph, a: string, b: string): boolean {
  const [first, second] = [graph.quant.get(a), graph.quant.get(b)];
  return first?.scale === second?.scale && first?.zero === second?.zero;
}

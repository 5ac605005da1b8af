/** Shapes of all values, from those of the inputs. */

import { GraphError } from "./errors.js";
import { weightsOf } from "./graph.js";
import { opNames, opRule } from "./ops/index.js";
import type { OpRule } from "./ops/rule.js";
import { formatShape, isValueShape } from "./shape.js";
import type { Graph, Node, Shape, Weight } from "./types.js";

/**
 * The shape of every input and node of the graph.
 *
 * @param graph whose nodes' attributes and weights obey their rules (see `checkGraph`)
 * @returns value name to shape, inputs first, then nodes in order
 * @throws GraphError graph-op, graph-dangling, graph-shape
 */
export function inferShapes(graph: Graph): ReadonlyMap<string, Shape> {
  const shapes = new Map<string, Shape>();
  for (const { name, shape } of graph.inputs) {
    if (!isValueShape(shape)) {
      throw new GraphError(
        "graph-shape",
        `input ${name}: wanted [null, sizes of at least 1...] of rank 8 or less, got ${formatShape(shape)}`,
      );
    }
    shapes.set(name, shape);
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => {
      const shape = shapes.get(name);
      if (shape) return shape;
      throw new GraphError("graph-dangling", `${node.name}: reads ${name}, which no earlier node makes`);
    });
    shapes.set(node.name, nodeShape(node, inputs, weightsOf(graph, node)));
  }
  return shapes;
}

/**
 * The shape of the value one node makes.
 *
 * @throws GraphError graph-op, graph-shape
 */
export function nodeShape(
  node: Node,
  inputs: readonly Shape[],
  weights: Readonly<Record<string, Weight>>,
): Shape {
  const rule = ruleOf(node);
  const weightShapes = Object.fromEntries(Object.entries(weights).map(([role, { shape }]) => [role, shape]));
  try {
    return rule.shape(node, inputs, weightShapes);
  } catch (error) {
    // Shape rules know shapes, not codes.
    if (error instanceof RangeError && !(error instanceof GraphError)) {
      throw new GraphError("graph-shape", error.message);
    }
    throw error;
  }
}

/** @throws GraphError graph-op */
export function ruleOf(node: Node): OpRule {
  const rule = opRule(node.op);
  if (rule) return rule;
  throw new GraphError("graph-op", `${node.name}: wanted an op of ${opNames.join(", ")}, got ${node.op}`);
}

/** Makes the sum after a convolution part of it, as residual nets have it. */

import { replaceNodes, soleConsumers, withNodes } from "../graph.js";
import { inferShapes } from "../infer.js";
import { sameShape } from "../shape.js";
import type { Graph, Node, Shape } from "../types.js";
import { isLinear, isProduct } from "./products.js";

/**
 * Gives each f32 conv2d of linear activation that an add alone reads the other value of the add as its
 * second input, and the add's activation and name.
 *
 * Where both values of an add are such convolutions, the second takes in the first. The same numbers up
 * to f32 rounding.
 * @returns the same graph if there is nothing to fuse
 */
export function fuseResidual(graph: Graph): Graph {
  const sole = soleConsumers(graph);
  const shapes = inferShapes(graph);
  const replacements = new Map<Node, Node | null>();
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  for (const add of graph.nodes) {
    if (add.op !== "add" || add.inputs.length !== 2) continue;
    const convolutions = add.inputs.map((input) => makers.get(input));
    const at = convolutions.findLastIndex(
      (node) => node && sole.get(node.name) === add && canTakeIn(graph, node, add, shapes),
    );
    const convolution = convolutions[at];
    const residual = add.inputs[1 - at];
    if (!convolution || residual === convolution.name) continue;
    const { activation = "linear", ...numbers } = add.attrs;
    const { activation: _linear, ...attrs } = convolution.attrs;
    replacements.set(convolution, null);
    replacements.set(add, {
      ...convolution,
      name: add.name,
      // At the place of the add, where both values are there.
      inputs: [convolution.inputs[0], residual],
      attrs: { ...attrs, activation, ...numbers },
    });
  }
  if (replacements.size === 0) return graph;
  return withNodes(graph, { nodes: replaceNodes(graph, replacements) });
}

function canTakeIn(graph: Graph, node: Node, add: Node, shapes: ReadonlyMap<string, Shape>): boolean {
  return (
    node.op === "conv2d" &&
    isProduct(graph, node) &&
    isLinear(node) &&
    node.inputs.length === 1 &&
    !graph.quant.has(node.name) &&
    // A sum that broadcasts is none of places with their own.
    add.inputs.every((input) => sameShape(shapes.get(input) as Shape, shapes.get(node.name) as Shape))
  );
}

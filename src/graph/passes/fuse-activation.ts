/** Makes the activation after a dense part of it: one pass over memory less. */

import { replaceNodes, soleConsumers, withNodes } from "../graph.js";
import type { Graph, Node } from "../types.js";

/**
 * Gives each f32 dense whose activation is linear that of the unary node after it, where nothing else
 * reads the value between them and it is no output. The result has the unary's name.
 *
 * Exactly the same numbers.
 * @returns the same graph if there is nothing to fuse
 */
export function fuseActivation(graph: Graph): Graph {
  const sole = soleConsumers(graph);
  // One dense has one reader at most, so that no two fusions meet.
  const replacements = new Map<Node, Node | null>();
  for (const dense of graph.nodes) {
    const unary = sole.get(dense.name);
    if (!unary || !canFuse(graph, dense, unary)) continue;
    const { fn, ...numbers } = unary.attrs;
    const { activation: _linear, ...attrs } = dense.attrs;
    replacements.set(dense, null);
    replacements.set(unary, { ...dense, name: unary.name, attrs: { ...attrs, activation: fn, ...numbers } });
  }
  if (replacements.size === 0) return graph;
  return withNodes(graph, { nodes: replaceNodes(graph, replacements) });
}

function canFuse(graph: Graph, dense: Node, unary: Node): boolean {
  return (
    dense.op === "dense" &&
    (dense.attrs.activation ?? "linear") === "linear" &&
    // The parameters of the value between an s8 dense and its unary would be lost.
    graph.weights.get(dense.weights.kernel)?.dtype === "f32" &&
    !graph.quant.has(dense.name) &&
    unary.op === "unary" &&
    unary.weights.table === undefined
  );
}

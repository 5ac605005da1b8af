/** Makes the activation after a product or a sum part of it: one pass over memory less. */

import { replaceNodes, soleConsumers, withNodes } from "../graph.js";
import { opRule } from "../ops/index.js";
import { hasIntegerForm, type UnaryFunctionName } from "../ops/unary-functions.js";
import type { Graph, Node } from "../types.js";
import { isLinear, isProduct } from "./products.js";

/**
 * Gives each f32 node that can have an activation, and has none, that of the unary node after it,
 * where nothing else reads the value between them and it is no output. The result has the unary's name.
 *
 * Exactly the same numbers.
 * @returns the same graph if there is nothing to fuse
 */
export function fuseActivation(graph: Graph): Graph {
  const sole = soleConsumers(graph);
  // A node has one reader at most here, so that no two fusions meet.
  const replacements = new Map<Node, Node | null>();
  for (const node of graph.nodes) {
    const unary = sole.get(node.name);
    if (!unary || !canFuse(graph, node, unary)) continue;
    const { fn, ...numbers } = unary.attrs;
    const { activation: _linear, ...attrs } = node.attrs;
    replacements.set(node, null);
    replacements.set(unary, { ...node, name: unary.name, attrs: { ...attrs, activation: fn, ...numbers } });
  }
  if (replacements.size === 0) return graph;
  return withNodes(graph, { nodes: replaceNodes(graph, replacements) });
}

function canFuse(graph: Graph, node: Node, unary: Node): boolean {
  return (
    unary.op === "unary" &&
    unary.weights.table === undefined &&
    // The parameters of the value between an s8 product and its unary would be lost.
    !graph.quant.has(node.name) &&
    isLinear(node) &&
    // A product in integers has a table for its activation.
    ((isProduct(graph, node) && hasIntegerForm(unary.attrs.fn as UnaryFunctionName)) || isSum(node, unary))
  );
}

/** Arithmetic takes the activations that are bounds, and no others. */
function isSum(node: Node, { attrs: { fn } }: Node): boolean {
  // A recurrent cell has an activation too, but not after its result.
  const isArithmetic = opRule(node.op)?.weights.operand !== undefined;
  return isArithmetic && opRule(node.op)?.attrs(node).activation.valid(fn) === true;
}

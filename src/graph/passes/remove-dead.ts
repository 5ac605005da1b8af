/** Removes what no output depends on. */

import { withNodes } from "../graph.js";
import type { Graph } from "../types.js";

/**
 * Removes nodes that no output depends on and weights that no node reads. Inputs stay: they are what
 * a caller passes.
 *
 * @returns the same graph if all of it is used
 */
export function removeDead(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map(({ value }) => value));
  for (const node of graph.nodes.toReversed()) {
    if (needed.has(node.name)) for (const input of node.inputs) needed.add(input);
  }
  const nodes = graph.nodes.filter(({ name }) => needed.has(name));
  const keys = new Set(nodes.flatMap(({ weights }) => Object.values(weights)));
  const weights = new Map([...graph.weights].filter(([key]) => keys.has(key)));
  if (nodes.length === graph.nodes.length && weights.size === graph.weights.size) return graph;
  return { ...withNodes(graph, { nodes }), weights };
}

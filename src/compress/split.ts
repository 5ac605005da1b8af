/** Parts each fused activation from its product, so that calibration sees what lies between. */

import { freshName, type Graph, type Node, withNodes } from "../graph/index.js";
import { activationOf, isActivationNumber, withoutActivation } from "./activation.js";
import type { KernelNode } from "./kernel-nodes.js";

export interface SplitGraph {
  readonly graph: Graph;
  /** Node name to the value that is its product before the activation: its own where it has none. */
  readonly before: ReadonlyMap<string, string>;
}

/**
 * The same graph with the activations of these layers as nodes of their own: exactly the same numbers.
 * The new value is the product's; the layer's name stays with its result.
 */
export function splitActivations(graph: Graph, layers: readonly KernelNode[]): SplitGraph {
  const fused = new Set(layers.map(({ node }) => node).filter((node) => activationOf(node) !== "linear"));
  const names = new Set([...graph.inputs, ...graph.nodes].map(({ name }) => name));
  const before = new Map(layers.map(({ node: { name } }) => [name, name]));
  const nodes = graph.nodes.flatMap((node) => {
    if (!fused.has(node)) return [node];
    const name = freshName(names, `${node.name}/product`);
    before.set(node.name, name);
    const product: Node = { ...node, name, attrs: withoutActivation(node) };
    const numbers = Object.entries(node.attrs).filter(([key]) => isActivationNumber(node, key));
    const unary: Node = {
      name: node.name,
      op: "unary",
      inputs: [name],
      weights: {},
      attrs: { fn: activationOf(node), ...Object.fromEntries(numbers) },
    };
    return [product, unary];
  });
  return { graph: withNodes(graph, { nodes }), before };
}

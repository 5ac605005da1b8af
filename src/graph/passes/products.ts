/** The ops with a kernel, as the passes see them. */

import type { F32Weight, Graph, Node } from "../types.js";

const products = new Set(["conv2d", "convTranspose2d", "dense", "depthwiseConv2d"]);

/** A product in f32: an s8 kernel has its codes and scales already. */
export function isProduct(graph: Graph, node: Node): boolean {
  return products.has(node.op) && graph.weights.get(node.weights.kernel)?.dtype === "f32";
}

export function isLinear({ attrs }: Node): boolean {
  return (attrs.activation ?? "linear") === "linear";
}

/** The f32 weight of a role that its rule wants, or that the caller knows to be there. */
export function f32Weight(graph: Graph, node: Node, role: string): F32Weight {
  return graph.weights.get(node.weights[role]) as F32Weight;
}

/** Output channels: element i of a kernel is of channel i % channels, whatever the op. */
export function outputChannels({ op }: Node, { shape }: F32Weight): number {
  const [inputs, outputs] = shape.slice(-2);
  return op === "depthwiseConv2d" ? inputs * outputs : outputs;
}

/** The input channel of element i of a kernel. */
export function inputChannel({ op }: Node, { shape }: F32Weight): (i: number) => number {
  const [inputs, last] = shape.slice(-2);
  // A depthwise kernel is [h, w, in, multiplier], the others are [..., in, out]: both have inputs here.
  return op === "dense" ? (i) => Math.floor(i / last) : (i) => Math.floor(i / last) % inputs;
}

/** The bias of a product, of zeros where it has none. */
export function biasOf(graph: Graph, node: Node): Float32Array {
  if (node.weights.bias !== undefined) return f32Weight(graph, node, "bias").data;
  return new Float32Array(outputChannels(node, f32Weight(graph, node, "kernel")));
}

export function vector(data: Float32Array): F32Weight {
  return { dtype: "f32", shape: [data.length], data };
}

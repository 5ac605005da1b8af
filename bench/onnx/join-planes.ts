/** Undoes what compress() does to an input that wants 8 bits: a peer whose codes have 8 reads it once. */

import {
  type Graph,
  type I32Weight,
  type Node,
  type QuantParams,
  removeDead,
  type S8Weight,
  type Weight,
  withNodes,
} from "../../src/graph/index.js";

/**
 * Lets each convolution of a value in two planes (`<layer>/twice`, `<layer>/halves`) read the value itself.
 *
 * The planes are x / 2 each, up to offsets that cancel, and their kernels are the same. So x has twice the step of
 * a plane and its zero, one of the kernels, and a bias of half as many steps that are twice as large: in 7 bits
 * again, which the peer's codes make 8.
 */
export function joinPlanes(graph: Graph): Graph {
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  const quant = new Map(graph.quant);
  const weights = new Map<string, Weight>();
  const nodes = graph.nodes.map((node): Node => {
    const halves = makers.get(node.inputs[0]);
    const twice = makers.get(halves?.inputs[0] ?? "");
    if (node.op !== "conv2d" || halves?.op !== "affine" || twice?.op !== "concat") return node;
    const [input, again] = twice.inputs;
    const params = graph.quant.get(halves.name) as QuantParams;
    if (input !== again || twice.attrs.axis !== 3) {
      throw new RangeError(`${node.name}: wanted a value beside itself, got ${twice.inputs}`);
    }
    quant.set(input, { ...params, scale: 2 * params.scale });
    const kernel = `${node.weights.kernel}/joined`;
    const bias = `${node.weights.bias}/joined`;
    weights.set(kernel, firstChannels(graph.weights.get(node.weights.kernel) as S8Weight));
    weights.set(bias, halved(graph.weights.get(node.weights.bias) as I32Weight));
    return { ...node, inputs: [input], weights: { kernel, bias } };
  });
  if (weights.size === 0) return graph;
  return removeDead({ ...withNodes(graph, { nodes, weights }), quant });
}

/** [h, w, 2 in, out] -> [h, w, in, out] */
function firstChannels({ shape: [h, w, twice, out], data, scale }: S8Weight): S8Weight {
  const inputs = twice / 2;
  return {
    dtype: "s8",
    shape: [h, w, inputs, out],
    data: Int8Array.from({ length: data.length / 2 }, (_, i) => {
      const tap = Math.floor(i / (inputs * out));
      return data[i + tap * inputs * out];
    }),
    scale,
  };
}

const halved = ({ shape, data }: I32Weight): I32Weight => ({
  dtype: "i32",
  shape,
  data: data.map((steps) => Math.round(steps / 2)),
});

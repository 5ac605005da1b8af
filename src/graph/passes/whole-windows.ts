/** Windows as large as what they slide over: a convolution is then a dense, an average a mean, a largest a pool. */

import { withNodes } from "../graph.js";
import { inferShapes } from "../infer.js";
import type { F32Weight, Graph, Node, Shape, Weight } from "../types.js";
import { f32Weight, isProduct } from "./products.js";

type Numbers = readonly number[];

/**
 * Replaces each f32 conv2d whose kernel covers its whole unpadded input by a dense, reshaping around
 * it, each such averagePool by a mean, and the largest of all pixels by a maxPool: those are the forms that run
 * in integers.
 *
 * The same numbers up to f32 rounding.
 * @returns the same graph if there is none
 */
export function wholeWindows(graph: Graph): Graph {
  const shapes = inferShapes(graph);
  const taken = new Set([...graph.inputs, ...graph.nodes].map(({ name }) => name));
  const weights = new Map<string, Weight>();
  const nodes = graph.nodes.flatMap((node) => {
    const input = shapes.get(node.inputs[0]) as Shape;
    if (node.op === "averagePool" && covers(node, node.attrs.size as Numbers, input)) {
      return [{ ...node, op: "reduce", attrs: { fn: "mean", axes: [1, 2], keepDims: true } }];
    }
    if (node.op === "reduce" && node.attrs.fn === "max" && isWhole(node, input)) {
      return asPool(node, input, shapes.get(node.name) as Shape, taken);
    }
    if (node.op !== "conv2d" || node.inputs.length > 1 || !isProduct(graph, node)) return [node];
    const kernel = f32Weight(graph, node, "kernel");
    return covers(node, kernel.shape, input) ? asDense(node, kernel, taken, weights) : [node];
  });
  if (nodes.every((node, i) => node === graph.nodes[i])) return graph;
  return withNodes(graph, { nodes, weights });
}

const isWhole = ({ attrs }: Node, input: Shape): boolean => input.length === 4 && `${attrs.axes}` === "1,2";

function asPool(node: Node, [, height, width]: Shape, shape: Shape, taken: Set<string>): Node[] {
  const size = [height as number, width as number];
  const attrs = { size, strides: [1, 1], padding: [0, 0, 0, 0] };
  if (shape.length === 4) return [{ ...node, op: "maxPool", attrs }];
  const name = free(`${node.name}/largest`, taken);
  return [
    { ...node, name, op: "maxPool", attrs },
    { name: node.name, op: "reshape", inputs: [name], weights: {}, attrs: { shape } },
  ];
}

/** Dilation of a kernel of one cell is none. */
function covers({ attrs }: Node, size: Numbers, input: Shape): boolean {
  const dilations = (attrs.dilations ?? [1, 1]) as Numbers;
  return (
    (attrs.padding as Numbers).every((cells) => cells === 0) &&
    [0, 1].every((i) => size[i] === input[i + 1] && (dilations[i] === 1 || size[i] === 1))
  );
}

function asDense(
  node: Node,
  { shape, data }: F32Weight,
  taken: Set<string>,
  weights: Map<string, Weight>,
): readonly Node[] {
  const [h, w, inputs, outputs] = shape;
  const { strides: _s, dilations: _d, padding: _p, ...attrs } = node.attrs;
  const key = `${node.weights.kernel}/matrix`;
  weights.set(key, { dtype: "f32", shape: [h * w * inputs, outputs], data });
  const dense = { ...node, op: "dense", attrs, weights: { ...node.weights, kernel: key } };
  // Over one pixel, a dense over the last axis keeps the shape itself.
  if (h * w === 1) return [dense];
  const reshape = (name: string, input: string, target: Shape): Node => ({
    name,
    op: "reshape",
    inputs: [input],
    weights: {},
    attrs: { shape: target },
  });
  const [flat, product] = [`${node.name}/flat`, `${node.name}/dense`].map((name) => free(name, taken));
  return [
    reshape(flat, node.inputs[0], [null, h * w * inputs]),
    { ...dense, name: product, inputs: [flat] },
    reshape(node.name, product, [null, 1, 1, outputs]),
  ];
}

function free(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`;
  taken.add(name);
  return name;
}

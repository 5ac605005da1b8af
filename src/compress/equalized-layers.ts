/** Which channels can be scaled: a layer, what its value goes through, and the layers that read it in the end. */

import { consumers, type Graph, inferShapes, type Node, outputValues, type Shape } from "../graph/index.js";
import { activationOf } from "./activation.js";
import { type KernelNode, kernelNodes } from "./kernel-nodes.js";

/** A layer, and all that read its value. */
export interface EqualizedLayer {
  readonly before: KernelNode;
  /** One or more. */
  readonly readers: readonly EqualizedReader[];
}

/** A layer and what it reads of another: input i is of that one's channel i % channels, also where it is flat. */
export interface EqualizedReader {
  readonly after: KernelNode;
  /** After pools and the like. */
  readonly value: string;
}

type Numbers = readonly number[];

/** Functions for which f(s x) = s f(x) with any positive s. */
const homogeneous: ReadonlySet<string> = new Set(["linear", "relu", "leakyRelu"]);

/** Functions of many numbers for which the same holds. */
const homogeneousFolds: ReadonlySet<unknown> = new Set(["mean", "sum", "max", "min"]);

/**
 * Ops through which each channel passes by itself, and scales along, as long as element i of their last axis stays
 * one of channel i % channels.
 */
const passing: Readonly<Record<string, (node: Node, channels: number, rank: number) => boolean>> = {
  averagePool: () => true,
  maxPool: () => true,
  pad: ({ attrs: { pads, mode = "constant", value = 0 } }) =>
    (mode !== "constant" || value === 0) && (pads as Numbers).slice(-2).every((cells) => cells === 0),
  prelu: () => true,
  reduce: ({ attrs: { fn, axes } }, _channels, rank) =>
    homogeneousFolds.has(fn) && !(axes as Numbers).includes(rank - 1),
  reshape: ({ attrs }, channels) => lastOf(attrs.shape) % channels === 0,
  resize: () => true,
  slice: ({ attrs: { begin, size, strides } }, channels) =>
    lastOf(begin) % channels === 0 && lastOf(size) % channels === 0 && lastOf(strides) === 1,
  transpose: ({ attrs: { perm } }, _channels, rank) => lastOf(perm) === rank - 1,
  unary: (node) => scales(node),
};

const lastOf = (numbers: unknown): number => (numbers as Numbers)[(numbers as Numbers).length - 1];

/** The layers of a graph that can be equalized: all kernels f32 and of no other layer. */
export function equalizableLayers(graph: Graph): readonly EqualizedLayer[] {
  const layers = new Map(kernelNodes(graph).map((layer) => [layer.node.name, layer]));
  const uses = new Map<string, number>();
  for (const { weights } of graph.nodes) {
    for (const key of Object.values(weights)) uses.set(key, (uses.get(key) ?? 0) + 1);
  }
  const canScale = ({ node, onlyF32 }: KernelNode) =>
    onlyF32 === undefined &&
    node.inputs.length === 1 &&
    Object.values(node.weights).every((key) => uses.get(key) === 1);
  const outputs = outputValues(graph);
  const readers = consumers(graph);
  const shapes = inferShapes(graph);

  /** Absent where one of those that read a value cannot do with other numbers. */
  function readersOf(value: string, channels: number): readonly EqualizedReader[] | undefined {
    if (outputs.has(value)) return undefined;
    const { length: rank } = shapes.get(value) as Shape;
    const found = (readers.get(value) ?? []).map((node) => {
      const after = layers.get(node.name);
      if (after) return canScale(after) ? [{ after, value }] : undefined;
      const passes = Object.hasOwn(passing, node.op) && passing[node.op](node, channels, rank);
      return passes ? readersOf(node.name, channels) : undefined;
    });
    return found.every((each) => each !== undefined) ? found.flat() : undefined;
  }

  return [...layers.values()].flatMap((before) => {
    if (!canScale(before) || !scales(before.node)) return [];
    const found = readersOf(before.node.name, before.channels) ?? [];
    return found.length > 0 ? [{ before, readers: found }] : [];
  });
}

function scales(node: Node): boolean {
  return homogeneous.has(activationOf(node)) && node.attrs.maxValue === undefined;
}

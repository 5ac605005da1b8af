/** Frames of zeros before a convolution, and cuts after a transposed one, become its padding. */

import { replaceNodes, soleConsumers, withNodes } from "../graph.js";
import { inferShapes } from "../infer.js";
import type { Graph, Node, Shape } from "../types.js";

type Numbers = readonly number[];

/**
 * Folds each pad of zeros along height and width into the conv2d or depthwiseConv2d that alone reads
 * it, and each slice along them into the convTranspose2d before it.
 *
 * Exactly the same numbers.
 * @returns the same graph if there is nothing to fold
 */
export function foldFrames(graph: Graph): Graph {
  const sole = soleConsumers(graph);
  const shapes = inferShapes(graph);
  const replacements = new Map<Node, Node | null>();
  for (const node of graph.nodes) {
    const reader = sole.get(node.name);
    if (!reader || replacements.has(node) || graph.quant.has(node.name)) continue;
    const folded = foldPad(node, reader) ?? foldSlice(node, reader, shapes);
    if (!folded) continue;
    replacements.set(node, null);
    replacements.set(reader, folded);
  }
  if (replacements.size === 0) return graph;
  return withNodes(graph, { nodes: replaceNodes(graph, replacements) });
}

const padded = new Set(["conv2d", "depthwiseConv2d"]);

function foldPad(pad: Node, reader: Node): Node | undefined {
  if (pad.op !== "pad" || !padded.has(reader.op) || reader.inputs[0] !== pad.name) return undefined;
  if (reader.inputs[1] === pad.name) return undefined;
  const { pads, mode = "constant", value = 0 } = pad.attrs;
  const [top, bottom, left, right, ...channels] = pads as Numbers;
  if (mode !== "constant" || value !== 0 || channels.some((cells) => cells !== 0)) return undefined;
  const padding = (reader.attrs.padding as Numbers).map((cells, i) => cells + [top, bottom, left, right][i]);
  const inputs = [pad.inputs[0], ...reader.inputs.slice(1)];
  return { ...reader, inputs, attrs: { ...reader.attrs, padding } };
}

function foldSlice(node: Node, slice: Node, shapes: ReadonlyMap<string, Shape>): Node | undefined {
  if (node.op !== "convTranspose2d" || slice.op !== "slice") return undefined;
  const [, height, width, channels] = shapes.get(node.name) as Numbers;
  const { begin, size, strides } = slice.attrs as Readonly<Record<string, Numbers>>;
  if (strides.some((stride) => stride !== 1) || size[2] !== channels) return undefined;
  const [padding, outputPadding] = [node.attrs.padding as Numbers, node.attrs.outputPadding as Numbers];
  const cut = [height, width].map((dim, i) => dim - begin[i] - size[i]);
  // From the end, rows that hold nothing but bias go first.
  const bare = cut.map((cells, i) => Math.min(cells, outputPadding[i]));
  const kept = outputPadding.map((cells, i) => cells - bare[i]);
  // Nothing else would be left of the result.
  if (kept.some((cells, i) => cells >= size[i])) return undefined;
  return {
    ...node,
    name: slice.name,
    attrs: {
      ...node.attrs,
      padding: [0, 1].flatMap((i) => [padding[2 * i] + begin[i], padding[2 * i + 1] + cut[i] - bare[i]]),
      outputPadding: kept,
    },
  };
}

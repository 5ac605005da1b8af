/** Frames before a convolution or a max pool, and cuts after a transposed convolution, become its padding. */

import { replaceNodes, soleConsumers, withNodes } from "../graph.js";
import { inferShapes } from "../infer.js";
import type { Graph, Node, Shape } from "../types.js";

type Numbers = readonly number[];

/**
 * Folds each pad of zeros along height and width into the conv2d or depthwiseConv2d that alone reads
 * it, each of a number that is never the largest into the maxPool, each slice along them into the
 * convTranspose2d before it, and each that cuts what comes of a convolution's padding into that.
 *
 * Exactly the same numbers, as long as a maxPool reads none below -2^49.
 * @returns the same graph if there is nothing to fold
 */
export function foldFrames(graph: Graph): Graph {
  const sole = soleConsumers(graph);
  const shapes = inferShapes(graph);
  const replacements = new Map<Node, Node | null>();
  for (const node of graph.nodes) {
    const reader = sole.get(node.name);
    if (!reader || replacements.has(node) || graph.quant.has(node.name)) continue;
    const folded = foldPad(node, reader) ?? foldSlice(node, reader, shapes) ?? foldCrop(node, reader, shapes);
    if (!folded) continue;
    replacements.set(node, null);
    replacements.set(reader, folded);
  }
  if (replacements.size === 0) return graph;
  return withNodes(graph, { nodes: replaceNodes(graph, replacements) });
}

/** Whether a number is what the padding of an op stands for. */
const isPadding: Readonly<Record<string, (value: number) => boolean>> = {
  conv2d: (value) => value === 0,
  depthwiseConv2d: (value) => value === 0,
  maxPool: (value) => value <= -(2 ** 49),
};

function foldPad(pad: Node, reader: Node): Node | undefined {
  if (pad.op !== "pad" || !Object.hasOwn(isPadding, reader.op)) return undefined;
  if (reader.inputs[0] !== pad.name || reader.inputs[1] === pad.name) return undefined;
  const { pads, mode = "constant", value = 0 } = pad.attrs;
  const [top, bottom, left, right, ...channels] = pads as Numbers;
  if (mode !== "constant" || !isPadding[reader.op](value as number)) return undefined;
  if (channels.some((cells) => cells !== 0)) return undefined;
  const padding = (reader.attrs.padding as Numbers).map((cells, i) => cells + [top, bottom, left, right][i]);
  // A pool has no window in the padding alone.
  const size = reader.attrs.size as Numbers | undefined;
  if (size && padding.some((cells, i) => cells >= size[i >> 1])) return undefined;
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

/** A convolution whose result is cut needs less padding: what a dilation by blocks of cells leaves at the end. */
function foldCrop(node: Node, slice: Node, shapes: ReadonlyMap<string, Shape>): Node | undefined {
  const isConvolution = node.op === "conv2d" || node.op === "depthwiseConv2d";
  if (!isConvolution || slice.op !== "slice" || node.inputs.length !== 1) return undefined;
  const [, height, width, channels] = shapes.get(node.name) as Numbers;
  const { begin, size, strides } = slice.attrs as Readonly<Record<string, Numbers>>;
  const [padding, steps] = [node.attrs.padding as Numbers, node.attrs.strides as Numbers];
  if ([...strides, ...steps].some((stride) => stride !== 1) || size[2] !== channels) return undefined;
  const cut = [height, width].flatMap((dim, i) => [begin[i], dim - begin[i] - size[i]]);
  if (cut.some((cells, i) => cells > padding[i])) return undefined;
  return {
    ...node,
    name: slice.name,
    attrs: { ...node.attrs, padding: padding.map((cells, i) => cells - cut[i]) },
  };
}

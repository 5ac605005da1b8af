/** What became of each layer. */

import {
  type Graph,
  inferShapes,
  type Node,
  type Shape,
  sizeOf,
  type Weight,
  weightsOf,
} from "../graph/index.js";
import { activationOf } from "./activation.js";

export interface LayerReport {
  readonly name: string;
  /** With its activation: "dense relu". */
  readonly op: string;
  /** Of the kernel. */
  readonly shape: readonly number[];
  /** Part of the kernel's weights that are zero. */
  readonly sparsity: number;
  /** Bits of a kernel weight: 8 or 32. */
  readonly bits: number;
  /** Bytes in the file of all its weights; shared weights count at each layer. */
  readonly bytes: number;
  /** Multiply-accumulates of one sample, zeros counted. */
  readonly macs: number;
  /** What was not done to it, and why. */
  readonly note?: string;
}

/**
 * The layers of a graph that have kernels.
 *
 * @param bytesOf bytes of a weight in the file, by its key
 * @param notes by layer name
 */
export function reportLayers(
  graph: Graph,
  bytesOf: (key: string) => number,
  notes: ReadonlyMap<string, string>,
): readonly LayerReport[] {
  const shapes = inferShapes(graph);
  return graph.nodes.flatMap((node) => {
    const { kernel } = weightsOf(graph, node);
    if (!kernel) return [];
    const note = notes.get(node.name);
    return [
      {
        name: node.name,
        op: titleOf(node),
        shape: kernel.shape,
        sparsity: zeroPart(kernel),
        bits: kernel.data.BYTES_PER_ELEMENT * 8,
        bytes: Object.values(node.weights).reduce((sum, key) => sum + bytesOf(key), 0),
        macs: macsOf(graph, node, shapes),
        ...(note !== undefined && { note }),
      },
    ];
  });
}

function zeroPart({ data }: Weight): number {
  let zeros = 0;
  for (const value of data) if (value === 0) zeros += 1;
  return zeros / data.length;
}

function titleOf(node: Node): string {
  const activation = activationOf(node);
  return activation === "linear" ? node.op : `${node.op} ${activation}`;
}

/**
 * Multiply-accumulates of a node with a kernel, for one sample, zeros counted.
 *
 * @param shapes of all values, as `inferShapes` gives them
 */
export function macsOf(graph: Graph, node: Node, shapes: ReadonlyMap<string, Shape>): number {
  const { kernel, recurrent } = weightsOf(graph, node);
  const [input, output] = [node.inputs[0], node.name].map((value) => shapes.get(value) as Shape);
  // A cell multiplies by both of its kernels at every step.
  if (recurrent) return (input[1] as number) * (sizeOf(kernel.shape) + sizeOf(recurrent.shape));
  // Each number of the output is one product with the kernel's part for its channel.
  return (sizeOf(output) / (output.at(-1) ?? 1)) * sizeOf(kernel.shape);
}

/** A model layer by layer: what `inspect` and `compress` show. */

import { type Graph, inferShapes, macsOf, type Node, type Weight } from "../index.js";
import { formatBytes, formatCount, formatPercent } from "./format.js";

export interface LayerInfo {
  readonly name: string;
  readonly op: string;
  /** Of the kernel; of the output, without batch, for a layer that has none. */
  readonly shape: readonly number[];
  /** Part of the kernel's weights that are zero; null without a kernel. */
  readonly sparsity: number | null;
  /** Bits of a kernel weight; null without a kernel. */
  readonly bits: number | null;
  /** Of all its weights in the file, compressed there. */
  readonly bytes: number;
  /** Multiply-accumulates of one sample, zeros counted; null without a kernel. */
  readonly macs: number | null;
}

/**
 * @param bytesOf bytes of a weight in the file, by its key; shared weights count at each layer
 */
export function describeLayers(graph: Graph, bytesOf: (key: string, weight: Weight) => number): LayerInfo[] {
  const shapes = inferShapes(graph);
  return graph.nodes.map((node) => {
    const output = (shapes.get(node.name) ?? []).slice(1).map((dim) => dim ?? 1);
    let bytes = 0;
    for (const key of Object.values(node.weights)) {
      const weight = graph.weights.get(key);
      if (weight) bytes += bytesOf(key, weight);
    }
    const kernel = graph.weights.get(node.weights.kernel);
    const base = { name: node.name, op: opOf(node), bytes };
    if (!kernel) return { ...base, shape: output, sparsity: null, bits: null, macs: null };
    const [sparsity, bits] = [zeroPart(kernel), 8 * kernel.data.BYTES_PER_ELEMENT];
    return { ...base, shape: kernel.shape, sparsity, bits, macs: macsOf(graph, node, shapes) };
  });
}

function opOf({ op, attrs }: Node): string {
  const name = attrs.activation ?? attrs.function;
  return typeof name === "string" && name !== "linear" ? `${op} ${name}` : op;
}

export function zeroPart({ data }: Weight): number {
  let zeros = 0;
  for (const value of data) if (value === 0) zeros++;
  return data.length === 0 ? 0 : zeros / data.length;
}

export const layerTitles = ["layer", "op", "shape", "zeros", "bits", "bytes", "MACs"] as const;

export function layerRow(layer: LayerInfo): string[] {
  const { name, op, shape, sparsity, bits, bytes, macs } = layer;
  return [
    name,
    op,
    shape.join("x"),
    sparsity === null ? "" : formatPercent(sparsity, 1),
    bits === null ? "" : String(bits),
    bytes === 0 ? "" : formatBytes(bytes),
    macs === null ? "" : formatCount(macs),
  ];
}

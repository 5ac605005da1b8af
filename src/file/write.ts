import { checkGraph, type Graph, type Node } from "../graph/index.js";
import { type NamedTensor, writeContainer } from "./container-write.js";
import { codecs, type Descriptor } from "./descriptor.js";
import { encodeWeight } from "./encode.js";
import type { Provenance } from "./provenance.js";
import { readHeader } from "./read.js";

/**
 * The bytes of a `.pare` file: the same for the same graph and provenance on one platform.
 *
 * @throws GraphError when the graph is not one
 * @throws FormatError when the reader would refuse the file: a name like `__proto__`, a number past 2^53
 * @throws RangeError for a number that JSON cannot say
 */
export async function encodePare(graph: Graph, provenance: Provenance): Promise<Uint8Array> {
  checkGraph(graph);
  const tensors: NamedTensor[] = [];
  const descriptors: [string, object][] = [];
  // One after the other: each holds several copies of itself.
  for (const [name, weight] of graph.weights) {
    const { descriptor, streams } = await encodeWeight(name, weight);
    for (const [i, stream] of codecs[descriptor.codec].streams.entries()) {
      const bytes = streams[i];
      tensors.push({ name: `${name}/${stream}`, dtype: "U8", shape: [bytes.length], bytes });
    }
    if (weight.dtype === "s8") {
      const { buffer, byteOffset, byteLength } = weight.scale;
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      tensors.push({ name: `${name}/scale`, dtype: "F32", shape: [weight.scale.length], bytes });
    }
    descriptors.push([name, descriptorJson(descriptor)]);
  }
  const bytes = writeContainer(tensors, {
    format: "pare",
    version: "1",
    graph: toJson({
      inputs: graph.inputs.map(({ name, shape }) => ({ name, shape })),
      outputs: graph.outputs.map(({ name, value }) => ({ name, value })),
      nodes: graph.nodes.map(nodeJson),
      quant: Object.fromEntries([...graph.quant].map(([name, { scale, zero }]) => [name, [scale, zero]])),
      weights: Object.fromEntries(descriptors),
    }),
    provenance: toJson(provenance),
  });
  readHeader(bytes);
  return bytes;
}

function descriptorJson({ dtype, shape, codec, sizes, planes }: Descriptor): object {
  return { dtype, shape, codec, bytes: sizes, ...(planes && { planes }) };
}

function nodeJson({ name, op, inputs, weights, attrs }: Node): object {
  return {
    name,
    op,
    inputs,
    ...(Object.keys(weights).length > 0 && { weights }),
    ...(Object.keys(attrs).length > 0 && { attrs }),
  };
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (key, item) => {
    // JSON.stringify would write null.
    if (typeof item === "number" && !Number.isFinite(item)) {
      throw new RangeError(`${key}: want a finite number, got ${item}`);
    }
    return item;
  });
}

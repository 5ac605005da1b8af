/** Files of version 1, which pare wrote until it wrote leaner ones: a tensor for each stream, every name in full. */

import { type NamedTensor, writeContainer } from "../../src/file/container-write.js";
import { codecs } from "../../src/file/descriptor.js";
import { encodeWeight } from "../../src/file/encode.js";
import type { Provenance } from "../../src/file/index.js";
import type { Graph } from "../../src/graph/index.js";

export async function encodeVersion1(graph: Graph, provenance: Provenance): Promise<Uint8Array> {
  const tensors: NamedTensor[] = [];
  const weights: [string, object][] = [];
  for (const [name, weight] of graph.weights) {
    const { descriptor, streams } = await encodeWeight(name, weight);
    const { dtype, shape, codec, sizes, planes } = descriptor;
    for (const [i, stream] of codecs[codec].streams.entries()) {
      const bytes = streams[i];
      tensors.push({ name: `${name}/${stream}`, dtype: "U8", shape: [bytes.length], bytes });
    }
    if (weight.dtype === "s8") {
      const bytes = new Uint8Array(weight.scale.slice().buffer);
      tensors.push({ name: `${name}/scale`, dtype: "F32", shape: [weight.scale.length], bytes });
    }
    weights.push([name, { dtype, shape, codec, bytes: sizes, ...(planes && { planes }) }]);
  }
  const json = {
    inputs: graph.inputs.map(({ name, shape }) => ({ name, shape })),
    outputs: graph.outputs.map(({ name, value }) => ({ name, value })),
    nodes: graph.nodes.map(({ name, op, inputs, weights: roles, attrs }) => ({
      name,
      op,
      inputs,
      ...(Object.keys(roles).length > 0 && { weights: roles }),
      ...(Object.keys(attrs).length > 0 && { attrs }),
    })),
    quant: Object.fromEntries([...graph.quant].map(([name, { scale, zero }]) => [name, [scale, zero]])),
    weights: Object.fromEntries(weights),
  };
  return writeContainer(tensors, {
    format: "pare",
    version: "1",
    graph: JSON.stringify(json),
    provenance: JSON.stringify(provenance),
  });
}

import { bytesOf, checkGraph, type Graph } from "../graph/index.js";
import { writeContainer } from "./container-write.js";
import type { StoredWeight } from "./descriptor.js";
import { encodeWeight } from "./encode.js";
import { writeLean } from "./lean-write.js";
import type { Provenance } from "./provenance.js";
import { readHeader } from "./read.js";

/**
 * The bytes of a `.pare` file: the same for the same graph and provenance on one platform.
 *
 * A header stays small: where names would take more than some tens of characters a node, weights are called after
 * their nodes, and then long names of nodes keep their ends alone. Those of inputs and outputs stay.
 *
 * @throws GraphError when the graph is not one
 * @throws FormatError when the reader would refuse the file: a name like `__proto__`, a number past 2^53
 * @throws RangeError for a number that JSON cannot say
 */
export async function encodePare(graph: Graph, provenance: Provenance): Promise<Uint8Array> {
  checkGraph(graph);
  const weights: StoredWeight[] = [];
  // One after the other: each holds several copies of itself.
  for (const [name, weight] of graph.weights) {
    const scale = weight.dtype === "s8" ? bytesOf(weight.scale) : undefined;
    weights.push({ ...(await encodeWeight(name, weight)), scale: scale ?? new Uint8Array(0) });
  }
  const { json, data } = writeLean(graph, weights);
  const bytes = writeContainer([{ name: "data", dtype: "U8", shape: [data.length], bytes: data }], {
    format: "pare",
    version: "2",
    graph: toJson(json),
    provenance: toJson(provenance),
  });
  readHeader(bytes);
  return bytes;
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

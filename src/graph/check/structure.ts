/** Names: each value made once, before it is read; each output a value. */

import { GraphError } from "../errors.js";
import type { Graph } from "../types.js";

/** @throws GraphError graph-duplicate, graph-dangling, graph-cycle */
export function checkStructure(graph: Graph): void {
  const values = [...graph.inputs, ...graph.nodes].map(({ name }) => name);
  refuseRepeated("value", values);
  refuseRepeated(
    "output",
    graph.outputs.map(({ name }) => name),
  );
  checkOrder(graph, new Set(values));

  const all = new Set(values);
  for (const { name, value } of graph.outputs) {
    if (!all.has(value)) {
      throw new GraphError("graph-dangling", `output ${name}: wanted a value of the graph, got ${value}`);
    }
  }
  for (const value of graph.quant.keys()) {
    if (!all.has(value)) {
      throw new GraphError("graph-dangling", `u7 parameters of ${value}: the graph has no such value`);
    }
  }
}

function refuseRepeated(kind: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name))
      throw new GraphError("graph-duplicate", `${kind} ${name}: wanted each name once, got it twice`);
    if (name.includes("\0")) {
      throw new GraphError("graph-attr", `${kind} ${JSON.stringify(name)}: wanted a name without NUL`);
    }
    seen.add(name);
  }
}

/** Since nodes are in order, a cycle is a node that reads itself or one that comes later. */
function checkOrder(graph: Graph, all: ReadonlySet<string>): void {
  const made = new Set(graph.inputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (made.has(input)) continue;
      if (all.has(input)) {
        throw new GraphError(
          "graph-cycle",
          `${node.name}: wanted values made before it, got ${input}, made later`,
        );
      }
      throw new GraphError("graph-dangling", `${node.name}: reads ${input}, which nothing makes`);
    }
    made.add(node.name);
  }
}

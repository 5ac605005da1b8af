/** Small questions every part asks of a graph, and the one way to make a graph from another. */

import type { Graph, Node, Weight } from "./types.js";

/**
 * Who reads each value.
 *
 * @returns for every input and node, the nodes that read it, in order, once each; graph outputs are
 *   not listed here (see `outputValues`)
 */
export function consumers(graph: Graph): ReadonlyMap<string, readonly Node[]> {
  const readers = new Map<string, Node[]>();
  for (const { name } of [...graph.inputs, ...graph.nodes]) readers.set(name, []);
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs)) readers.get(input)?.push(node);
  }
  return readers;
}

/** The values that are outputs of the graph. */
export function outputValues(graph: Graph): ReadonlySet<string> {
  return new Set(graph.outputs.map((output) => output.value));
}

/**
 * The node that alone reads a value, for each value that has one such and is no output: the cases in
 * which a value may vanish into its reader.
 */
export function soleConsumers(graph: Graph): ReadonlyMap<string, Node> {
  const outputs = outputValues(graph);
  const sole = new Map<string, Node>();
  for (const [value, readers] of consumers(graph)) {
    if (readers.length === 1 && !outputs.has(value)) sole.set(value, readers[0]);
  }
  return sole;
}

/** The weights a node reads, by role; a role whose key is absent from the graph is left out. */
export function weightsOf(graph: Pick<Graph, "weights">, node: Node): Readonly<Record<string, Weight>> {
  const found: Record<string, Weight> = {};
  for (const [role, key] of Object.entries(node.weights)) {
    const weight = graph.weights.get(key);
    if (weight) found[role] = weight;
  }
  return found;
}

/** What `withNodes` changes; what is left out stays. */
export interface GraphChange {
  readonly nodes?: readonly Node[];
  readonly outputs?: Graph["outputs"];
  /** Added to the graph's weights, or in place of those of the same key. */
  readonly weights?: ReadonlyMap<string, Weight>;
}

/**
 * The graph with other nodes, outputs or more weights.
 *
 * Quantization parameters of values that no longer exist go with them, so that a pass cannot leave
 * some behind. Weights stay: `removeDead` drops those that no node reads.
 */
export function withNodes(graph: Graph, change: GraphChange): Graph {
  const nodes = change.nodes ?? graph.nodes;
  const names = new Set([...graph.inputs, ...nodes].map(({ name }) => name));
  return {
    inputs: graph.inputs,
    outputs: change.outputs ?? graph.outputs,
    nodes,
    weights: change.weights ? new Map([...graph.weights, ...change.weights]) : graph.weights,
    quant: new Map([...graph.quant].filter(([value]) => names.has(value))),
  };
}

/** The nodes of the graph, some replaced in their places, or left out (null). */
export function replaceNodes(graph: Graph, replacements: ReadonlyMap<Node, Node | null>): readonly Node[] {
  return graph.nodes.flatMap((node) => {
    const replacement = replacements.get(node);
    if (replacement === undefined) return [node];
    return replacement === null ? [] : [replacement];
  });
}

/**
 * How many trained numbers the graph holds: the elements of its kernels, biases and the like. Shared
 * weights count once, look-up tables (dtype u7) not at all, for they are computed, not trained.
 */
export function parameterCount(graph: Graph): number {
  const keys = new Set(graph.nodes.flatMap((node) => Object.values(node.weights)));
  let count = 0;
  for (const key of keys) {
    const weight = graph.weights.get(key);
    if (weight && weight.dtype !== "u7") count += weight.data.length;
  }
  return count;
}

/** A name that no value has yet; from now on one has. */
export function freshName(names: Set<string>, wanted: string): string {
  let name = wanted;
  for (let i = 2; names.has(name); i++) name = `${wanted}-${i}`;
  names.add(name);
  return name;
}

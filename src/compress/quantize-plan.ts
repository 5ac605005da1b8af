/** Decides which layers compute in integers, and which values live in u7 for them. */

import { type Graph, maxDepth, type Node, outputValues, withNodes } from "../graph/index.js";
import { needsTable } from "./activation.js";
import { type KernelNode, kernelNodes } from "./kernel-nodes.js";
import { freshName } from "./split.js";

export interface QuantizePlan {
  /** The graph that is quantized: the one given, and copies of outputs that s8 layers read too. */
  readonly graph: Graph;
  /** Layers that become s8, in order. */
  readonly layers: readonly KernelNode[];
  /** Each value that will be u7, to the value whose parameters it shares: itself, or what it is a view of. */
  readonly roots: ReadonlyMap<string, string>;
  /** Unary nodes that become look-ups from u7 to u7. */
  readonly tables: ReadonlySet<string>;
  /** Why a layer with a kernel stays f32, by its name. */
  readonly kept: ReadonlyMap<string, string>;
}

/** Ops that hand on the codes they read: their value has the parameters of their input. */
const views: ReadonlySet<string> = new Set(["reshape"]);

/**
 * Plans the quantization of a graph in f32.
 *
 * @param keepF32 names of layers that stay f32 by the caller's wish
 */
export function planQuantization(graph: Graph, keepF32: ReadonlySet<string> = new Set()): QuantizePlan {
  const kept = new Map<string, string>();
  const chosen = new Set<string>();
  for (const { node, depth } of kernelNodes(graph)) {
    if (keepF32.has(node.name)) kept.set(node.name, "asked to stay f32");
    else if (depth > maxDepth) {
      kept.set(node.name, `its sums of ${depth} products may leave i32: at most ${maxDepth} fit`);
    } else chosen.add(node.name);
  }
  const copied = copyOutputs(graph, chosen);
  const layers = kernelNodes(copied).filter(({ node }) => chosen.has(node.name));
  const { wanted, tables } = wantedValues(copied, chosen);
  const rootOf = viewRoots(copied);
  const roots = new Map([...wanted].map((value) => [value, rootOf(value)]));
  return { graph: copied, layers, roots, tables, kept };
}

/**
 * Gives s8 layers a copy of each output that they read: what a caller sees is then not rounded to the
 * 7 bits that the next layer reads.
 */
function copyOutputs(graph: Graph, chosen: ReadonlySet<string>): Graph {
  const outputs = outputValues(graph);
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const names = new Set([...graph.inputs, ...graph.nodes].map(({ name }) => name));
  const copies = new Map<string, string>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const [value] = node.inputs;
    // An input has its f32 form in any case.
    if (!chosen.has(node.name) || !outputs.has(value) || inputs.has(value)) {
      nodes.push(node);
      continue;
    }
    if (!copies.has(value)) {
      const copy = freshName(names, `${value}/u7`);
      copies.set(value, copy);
      nodes.push({ name: copy, op: "unary", inputs: [value], weights: {}, attrs: { fn: "linear" } });
    }
    nodes.push({ ...node, inputs: [copies.get(value) as string, ...node.inputs.slice(1)] });
  }
  return copies.size === 0 ? graph : withNodes(graph, { nodes });
}

/** What s8 layers read, what that is a view of or is viewed as, and what tables make it from. */
function wantedValues(graph: Graph, chosen: ReadonlySet<string>) {
  const wanted = new Set<string>();
  const tables = new Set<string>();
  const outputs = outputValues(graph);
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  const rootOf = viewRoots(graph);
  for (const node of graph.nodes) if (chosen.has(node.name)) wanted.add(node.inputs[0]);
  for (let size = -1; size !== wanted.size; ) {
    size = wanted.size;
    for (const node of graph.nodes) {
      const [input] = node.inputs;
      if (views.has(node.op)) {
        if (wanted.has(node.name)) wanted.add(input);
        if (wanted.has(input)) wanted.add(node.name);
      }
      if (node.op !== "unary" || !wanted.has(node.name) || !needsU7(node)) continue;
      const root = rootOf(input);
      const maker = makers.get(root);
      // A table only where the input comes in codes: real numbers are better kept until the function is done.
      const isCodes = maker !== undefined && (chosen.has(maker.name) || tables.has(maker.name));
      if (!isCodes || outputs.has(input) || outputs.has(root)) continue;
      wanted.add(input);
      tables.add(node.name);
    }
  }
  return { wanted, tables };
}

/** A copy of an output is made of the real numbers. */
function needsU7(node: Node): boolean {
  return needsTable(node) || node.attrs.fn !== "linear";
}

/** The first value in a chain of views. */
function viewRoots(graph: Graph): (value: string) => string {
  const source = new Map<string, string>();
  for (const node of graph.nodes) {
    const [input] = node.inputs;
    if (views.has(node.op)) source.set(node.name, source.get(input) ?? input);
  }
  return (value) => source.get(value) ?? value;
}

/** Decides which layers compute in integers, and which values live in u7 for them. */

import {
  freshName,
  type Graph,
  hasIntegerForm,
  inferShapes,
  maxDepth,
  type Node,
  opRule,
  outputValues,
  withNodes,
} from "../graph/index.js";
import { activationOf } from "./activation.js";
import { type KernelNode, kernelNodes } from "./kernel-nodes.js";

export interface QuantizePlan {
  /** The graph that is quantized: the one given, and copies of outputs that are read in u7 too. */
  readonly graph: Graph;
  /** Layers that become s8, in order. */
  readonly layers: readonly KernelNode[];
  /** Each value that will be u7, to one of those whose parameters it shares, the same for all of them. */
  readonly roots: ReadonlyMap<string, string>;
  /** For each of those, the values that its numbers come from: the others are the same numbers elsewhere. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
  /** Unary nodes that become look-ups from u7 to u7. */
  readonly tables: ReadonlySet<string>;
  /** Layers that stay f32 by the caller's wish. */
  readonly asked: ReadonlySet<string>;
  /** Why a layer with a kernel stays f32, by its name. */
  readonly kept: ReadonlyMap<string, string>;
}

/**
 * Plans the quantization of a graph in f32.
 *
 * @param keepF32 names of layers that stay f32 by the caller's wish
 */
export function planQuantization(graph: Graph, keepF32: ReadonlySet<string> = new Set()): QuantizePlan {
  const kept = new Map<string, string>();
  const chosen = new Set<string>();
  for (const { node, depth, onlyF32 } of kernelNodes(graph)) {
    if (keepF32.has(node.name)) kept.set(node.name, "asked to stay f32");
    else if (onlyF32) kept.set(node.name, onlyF32);
    else if (depth > maxDepth) {
      kept.set(node.name, `its sums of ${depth} products may leave i32: at most ${maxDepth} fit`);
    } else chosen.add(node.name);
  }
  const copied = copyOutputs(graph, new CodeFinder(graph, chosen));
  const found = new CodeFinder(copied, chosen);
  const layers = kernelNodes(copied).filter(({ node }) => chosen.has(node.name));
  return { graph: copied, layers, tables: found.tables, asked: keepF32, kept, ...shareParams(copied, found) };
}

/** Finds the values that are u7. */
class CodeFinder {
  /** Values that will be u7. */
  readonly wanted = new Set<string>();
  /** Unary nodes that are look-ups. */
  readonly tables = new Set<string>();
  /** Values that integer kernels could make. */
  readonly #made = new Set<string>();

  constructor(
    graph: Graph,
    readonly chosen: ReadonlySet<string>,
  ) {
    for (const node of graph.nodes) {
      const canBe = codesOf(node) !== undefined && node.inputs.some((value) => this.#made.has(value));
      if (chosen.has(node.name) || canBe) this.#made.add(node.name);
    }
    for (const node of [...graph.nodes].reverse()) {
      if (chosen.has(node.name) && hasNoWideForm(node)) this.wanted.add(node.name);
      if (!this.readsCodes(node)) continue;
      for (const input of node.inputs) this.wanted.add(input);
      // Codes are all there is of a largest one.
      if (codesOf(node) === "fold") this.wanted.add(node.name);
      if (codesOf(node) === "table") this.tables.add(node.name);
    }
  }

  /** Whether a node reads its inputs in u7. Known for a node once all that follow it are. */
  readsCodes(node: Node): boolean {
    if (this.chosen.has(node.name)) return true;
    const codes = codesOf(node);
    // A copy of an output is made of the real numbers.
    if (!this.#made.has(node.name) || codes === undefined || codes === "copy") return false;
    // What folds many numbers into few reads codes in any case; the others read codes to write codes.
    return codes === "fold" || node.op === "reduce" || this.wanted.has(node.name);
  }
}

function codesOf(node: Node): "move" | "fold" | "own" | "table" | "copy" | undefined {
  if (node.op !== "unary") return opRule(node.op)?.codes?.(node);
  const fn = activationOf(node);
  if (fn === "linear") return "copy";
  return hasIntegerForm(fn) ? "table" : undefined;
}

/**
 * Whether integer kernels make a node's value, so that all its readers see it rounded; of other values that
 * are u7 only the readers in codes see their codes.
 */
export function isMadeInCodes(plan: QuantizePlan, node: Node): boolean {
  return plan.roots.has(node.name) && readsCodes(plan, node);
}

/** Whether a node of a plan reads its inputs in u7. */
export function readsCodes({ roots, layers, tables }: QuantizePlan, node: Node): boolean {
  if (layers.some((layer) => layer.node.name === node.name) || tables.has(node.name)) return true;
  const codes = codesOf(node);
  if (codes === undefined || codes === "copy" || codes === "table") return false;
  return node.inputs.every((value) => roots.has(value)) && (roots.has(node.name) || node.op === "reduce");
}

/** A depthwise kernel writes codes alone. */
const hasNoWideForm = ({ op }: Node): boolean => op === "depthwiseConv2d" || op === "convTranspose2d";

/**
 * Gives nodes that read codes a copy of each output that they read: what a caller sees is then not
 * rounded to their 7 bits. Pictures are given as they are read: making them twice would cost more than
 * all else (mnist-lenet-v2, whose every layer is an output, took 1.5 times as long as in f32).
 */
function copyOutputs(graph: Graph, found: CodeFinder): Graph {
  const shapes = inferShapes(graph);
  const isPicture = (value: string) => shapes.get(value)?.length === 4;
  const outputs = new Set([...outputValues(graph)].filter((value) => !isPicture(value)));
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  const names = new Set([...graph.inputs, ...graph.nodes].map(({ name }) => name));
  const copies = new Map<string, string>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => {
      const maker = makers.get(value);
      // An input has its f32 form in any case.
      if (!maker || !outputs.has(value) || !found.readsCodes(node)) return value;
      const known = copies.get(value);
      if (known !== undefined) return known;
      const copy = freshName(names, `${value}/u7`);
      copies.set(value, copy);
      nodes.push({ name: copy, op: "unary", inputs: [value], weights: {}, attrs: { fn: "linear" } });
      return copy;
    });
    nodes.push({ ...node, inputs });
  }
  return copies.size === 0 ? graph : withNodes(graph, { nodes });
}

/** Joins the values whose codes must mean the same. */
function shareParams(graph: Graph, { wanted }: CodeFinder): Pick<QuantizePlan, "roots" | "sources"> {
  const parents = new Map<string, string>();
  const rootOf = (value: string): string => {
    const parent = parents.get(value);
    return parent === undefined ? value : rootOf(parent);
  };
  const moved = new Set<string>();
  for (const node of graph.nodes) {
    const codes = codesOf(node);
    if ((codes !== "move" && codes !== "fold") || !wanted.has(node.name)) continue;
    const inputs = node.inputs.filter((input) => wanted.has(input));
    if (inputs.length === node.inputs.length) moved.add(node.name);
    for (const input of inputs) {
      const [own, other] = [rootOf(node.name), rootOf(input)];
      if (own !== other) parents.set(own, other);
    }
  }
  const values = [...graph.inputs, ...graph.nodes]
    .map(({ name }) => name)
    .filter((value) => wanted.has(value));
  const roots = new Map(values.map((value) => [value, rootOf(value)]));
  const sources = new Map<string, string[]>();
  for (const [value, root] of roots) {
    if (moved.has(value)) continue;
    const list = sources.get(root);
    if (list) list.push(value);
    else sources.set(root, [value]);
  }
  return { roots, sources };
}

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
  /** Values that the plan copied, by the names of the copies. */
  readonly copies: ReadonlyMap<string, string>;
}

export interface PlanOptions {
  /** Sums of values stay f32, and what layers read of them is rounded at each by itself. Default false. */
  readonly realSums?: boolean;
}

/**
 * Plans the quantization of a graph in f32.
 *
 * @param keepF32 names of layers that stay f32 by the caller's wish; what they read is not rounded for others
 */
export function planQuantization(
  graph: Graph,
  keepF32: ReadonlySet<string> = new Set(),
  { realSums = false }: PlanOptions = {},
): QuantizePlan {
  const kept = new Map<string, string>();
  const chosen = new Set<string>();
  for (const { node, depth, onlyF32 } of kernelNodes(graph)) {
    if (keepF32.has(node.name)) kept.set(node.name, "asked to stay f32");
    else if (onlyF32) kept.set(node.name, onlyF32);
    else if (depth > maxDepth) {
      kept.set(node.name, `its sums of ${depth} products may leave i32: at most ${maxDepth} fit`);
    } else chosen.add(node.name);
  }
  const real = realValues(graph, keepF32, realSums);
  const { graph: copied, copies } = copyReal(graph, real, new CodeFinder(graph, chosen, real));
  const found = new CodeFinder(copied, chosen, real);
  const layers = kernelNodes(copied).filter(({ node }) => chosen.has(node.name));
  const { tables } = found;
  return { graph: copied, layers, tables, asked: keepF32, kept, copies, ...shareParams(copied, found) };
}

/** The values that are not to be made in codes: those that layers in f32 read, as far back as other layers. */
function realValues(graph: Graph, keepF32: ReadonlySet<string>, realSums: boolean): ReadonlySet<string> {
  const real = new Set<string>();
  for (const node of [...graph.nodes].reverse()) {
    const isSum = codesOf(node) === "own" && node.inputs.length > 1;
    if (realSums && isSum) real.add(node.name);
    const hasKernel = node.weights.kernel !== undefined;
    if (!keepF32.has(node.name) && (hasKernel || isSum || !real.has(node.name))) continue;
    for (const value of node.inputs) real.add(value);
  }
  return real;
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
    real: ReadonlySet<string>,
  ) {
    for (const node of graph.nodes) {
      const canBe =
        codesOf(node) !== undefined &&
        !real.has(node.name) &&
        node.inputs.some((value) => this.#made.has(value));
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
 * Gives nodes that read codes a copy of each output that they read, and of each value of a layer that one in f32 reads
 * too: what a caller or that layer sees is then not rounded to their 7 bits. Outputs that are pictures are given as
 * they are read: making them twice would cost more than all else (mnist-lenet-v2, whose every layer is an output, took
 * 1.5 times as long as in f32).
 */
function copyReal(
  graph: Graph,
  real: ReadonlySet<string>,
  found: CodeFinder,
): Pick<QuantizePlan, "graph" | "copies"> {
  const shapes = inferShapes(graph);
  const outputs = outputValues(graph);
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  const isCopied = (value: string) => {
    if (outputs.has(value) && shapes.get(value)?.length !== 4) return true;
    return real.has(value) && found.chosen.has(value);
  };
  const names = new Set([...graph.inputs, ...graph.nodes].map(({ name }) => name));
  const copyOf = new Map<string, string>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => {
      // An input has its f32 form in any case.
      if (!makers.has(value) || !isCopied(value) || !found.readsCodes(node)) return value;
      const known = copyOf.get(value);
      if (known !== undefined) return known;
      const copy = freshName(names, `${value}/u7`);
      copyOf.set(value, copy);
      nodes.push({ name: copy, op: "unary", inputs: [value], weights: {}, attrs: { fn: "linear" } });
      return copy;
    });
    nodes.push({ ...node, inputs });
  }
  const copies = new Map([...copyOf].map(([value, copy]) => [copy, value]));
  return { graph: copies.size === 0 ? graph : withNodes(graph, { nodes }), copies };
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

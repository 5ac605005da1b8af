/** One-shot pruning of a graph's kernels to a sparsity and a pattern: biases are never touched. */

import { type F32Weight, type Graph, refuseNotFinite, type Weight, withNodes } from "../graph/index.js";
import { type KernelForm, type KernelNode, kernelNodes } from "./kernel-nodes.js";

/** What the zeros look like: anywhere, whole blocks, or all but n of every m inputs. */
export type Pattern = "unstructured" | "1x4" | "4x4" | `${number}:${number}`;

/** The kernels that prune, as `createKernels` makes them. */
export interface PruneKernels {
  pruneToSparsity(w: Float32Array, sparsity: number): number;
  pruneBlocks(
    w: Float32Array,
    options: {
      readonly inputs: number;
      readonly outputs: number;
      readonly pattern: "1x4" | "4x4" | `${number}:${number}`;
      readonly sparsity?: number;
    },
  ): number;
}

export interface PruneSettings {
  /** Share of each kernel that is to be zero, in [0, 1); what is zero already counts. */
  readonly sparsity: number | undefined;
  readonly pattern: Pattern;
}

export interface PrunedGraph {
  readonly graph: Graph;
  /** Why a layer was left as it is, by its name. */
  readonly skipped: ReadonlyMap<string, string>;
}

/**
 * @throws RangeError for a pattern or sparsity that is none, or a sparsity that n:m passes by itself
 */
export function checkPruneSettings({ sparsity, pattern }: PruneSettings): void {
  if (sparsity !== undefined && !(sparsity >= 0 && sparsity < 1)) {
    throw new RangeError(`sparsity: wanted a number from 0 to below 1, got ${sparsity}`);
  }
  if (pattern === "unstructured" || pattern === "1x4" || pattern === "4x4") return;
  const parts = keptOf(pattern);
  if (!parts) throw new RangeError(`pattern: wanted unstructured, 1x4, 4x4 or n:m (n < m), got ${pattern}`);
  const own = 1 - parts.n / parts.m;
  // A little slack: 0.9 is not 1 - 1 / 10.
  if (sparsity !== undefined && sparsity < own - 1e-6) {
    throw new RangeError(
      `sparsity: wanted at least ${own}, which ${pattern} makes by itself, got ${sparsity}`,
    );
  }
}

/**
 * Prunes each kernel by itself, the last layer's too. Kernels whose shape has no room for the pattern
 * stay as they are and are named in `skipped`.
 *
 * @param settings that `checkPruneSettings` accepts
 * @throws RangeError for weights that are NaN or infinite, by the name of their layer
 */
export function pruneGraph(graph: Graph, settings: PruneSettings, kernels: PruneKernels): PrunedGraph {
  const skipped = new Map<string, string>();
  const { sparsity = 0, pattern } = settings;
  if (sparsity === 0 && !keptOf(pattern)) return { graph, skipped };
  const layers = kernelNodes(graph);
  refuseNotFinite(graph);
  const pruned = new Map<string, Weight>();
  for (const layer of layers) {
    const why = noRoomFor(pattern, layer.form);
    if (why) skipped.set(layer.node.name, `not pruned: ${why}`);
    const key = layer.node.weights.kernel;
    if (!why && !pruned.has(key)) pruned.set(key, prunedKernel(layer, settings, kernels));
  }
  return { graph: withNodes(graph, { weights: pruned }), skipped };
}

/**
 * The share by which kernels that round down zero enough of `count` weights or blocks: 0.9 of 5 is all
 * 5 of them, but for one that always stays.
 */
function atLeast(sparsity: number, count: number): number {
  // The slack is for products such as 0.07 * 100, which is a little more than 7.
  const zeros = Math.min(Math.ceil(sparsity * count - 1e-6), count - 1);
  return Math.max(zeros + 0.5, 0) / count;
}

function noRoomFor(pattern: Pattern, { inputs, outputs, notPrunable }: KernelForm): string | undefined {
  if (pattern === "unstructured") return undefined;
  if (notPrunable) return notPrunable;
  const group = groupOf(pattern);
  if (inputs < group) return `${pattern} wants at least ${group} inputs, got ${inputs}`;
  if (pattern === "4x4" && outputs < 4) return `4x4 wants at least 4 outputs, got ${outputs}`;
  return undefined;
}

function prunedKernel(
  { kernel, form }: KernelNode,
  { sparsity = 0, pattern }: PruneSettings,
  kernels: PruneKernels,
): F32Weight {
  if (pattern === "unstructured") {
    const data = kernel.data.slice();
    kernels.pruneToSparsity(data, atLeast(sparsity, data.length));
    return { ...kernel, data };
  }
  const { taps, inputs, outputs } = form;
  // A group of inputs lies within one tap.
  const rows = taps === 1 ? inputs : Math.ceil(inputs / groupOf(pattern)) * groupOf(pattern);
  const padded = repeatRows(kernel.data, taps, inputs, rows, outputs);
  if (keptOf(pattern)) {
    kernels.pruneBlocks(padded, { inputs: taps * rows, outputs, pattern });
  } else {
    const blocks = Math.ceil((taps * rows) / 4) * Math.ceil(outputs / (pattern === "4x4" ? 4 : 1));
    const options = { inputs: taps * rows, outputs, pattern, sparsity: atLeast(sparsity, blocks) };
    kernels.pruneBlocks(padded, options);
  }
  const data = repeatRows(padded, taps, rows, inputs, outputs);
  if (keptOf(pattern)) kernels.pruneToSparsity(data, atLeast(sparsity, data.length));
  return { ...kernel, data };
}

/** Each tap's first rows, or all of them and rows of zeros after: always a copy. */
function repeatRows(
  data: Float32Array,
  taps: number,
  from: number,
  to: number,
  outputs: number,
): Float32Array {
  const result = new Float32Array(taps * to * outputs);
  const length = Math.min(from, to) * outputs;
  for (let tap = 0; tap < taps; tap++) {
    const at = tap * from * outputs;
    result.set(data.subarray(at, at + length), tap * to * outputs);
  }
  return result;
}

function groupOf(pattern: Pattern): number {
  return keptOf(pattern)?.m ?? 4;
}

/** n and m of "n:m". */
function keptOf(pattern: Pattern): { readonly n: number; readonly m: number } | undefined {
  const match = /^(\d+):(\d+)$/.exec(pattern);
  if (!match) return undefined;
  const [n, m] = [Number(match[1]), Number(match[2])];
  return n >= 1 && n < m && m <= 1024 ? { n, m } : undefined;
}

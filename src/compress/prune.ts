/** One-shot pruning of a graph's kernels to a sparsity and a pattern: biases are never touched. */

import { type F32Weight, type Graph, refuseNotFinite, type Weight, withNodes } from "../graph/index.js";
import {
  allocateSparsity,
  type BlockShape,
  blockSquares,
  describeShare,
  noRoomFor,
  type PrunableLayer,
  type PruneScope,
  pruneScopes,
  spareLayers,
} from "./allocation.js";
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
  /** Share of all kernels together that is to be zero, in [0, 1); what is zero already counts. */
  readonly sparsity: number | undefined;
  readonly pattern: Pattern;
  /** "auto" unless given; n:m takes the same of each layer that it takes at all. */
  readonly scope?: PruneScope;
  /** Shares of zeros by name of layer, in [0, 1), in place of theirs of `sparsity`; not with n:m. */
  readonly targets?: Readonly<Record<string, number>>;
}

export interface PrunedGraph {
  readonly graph: Graph;
  /** Why a layer was left as it is, or has no more zeros, by its name. */
  readonly skipped: ReadonlyMap<string, string>;
}

/**
 * @throws RangeError for a pattern or sparsity that is none, or a sparsity that n:m passes by itself
 */
export function checkPruneSettings({ sparsity, pattern, scope = "auto", targets }: PruneSettings): void {
  if (sparsity !== undefined && !(sparsity >= 0 && sparsity < 1)) {
    throw new RangeError(`sparsity: wanted a number from 0 to below 1, got ${sparsity}`);
  }
  if (!pruneScopes.includes(scope)) {
    throw new RangeError(`scope: wanted ${pruneScopes.join(", ")}, got ${scope}`);
  }
  for (const [name, target] of Object.entries(targets ?? {})) {
    if (!(target >= 0 && target < 1)) {
      throw new RangeError(`targets: ${name}: wanted a number from 0 to below 1, got ${target}`);
    }
  }
  if (pattern === "unstructured" || pattern === "1x4" || pattern === "4x4") return;
  const parts = keptOf(pattern);
  if (!parts) throw new RangeError(`pattern: wanted unstructured, 1x4, 4x4 or n:m (n < m), got ${pattern}`);
  if (Object.keys(targets ?? {}).length > 0)
    throw new RangeError(`targets: wanted none with ${pattern}, which has its own sparsity`);
  if (scope === "global") throw new RangeError(`scope: wanted auto or local with ${pattern}, got global`);
  const own = 1 - parts.n / parts.m;
  // A little slack: 0.9 is not 1 - 1 / 10.
  if (sparsity !== undefined && sparsity < own - 1e-6) {
    throw new RangeError(
      `sparsity: wanted at least ${own}, which ${pattern} makes by itself, got ${sparsity}`,
    );
  }
}

/**
 * Prunes the kernels to one sparsity over all of them, as `scope` says. Kernels that are left as they are, because their
 * shape has no room for the pattern or because they cost little, are named in `skipped`; the sparsity counts them.
 *
 * @param settings that `checkPruneSettings` accepts
 * @throws RangeError for weights that are NaN or infinite, by the name of their layer; a target that names no layer
 */
export function pruneGraph(graph: Graph, settings: PruneSettings, kernels: PruneKernels): PrunedGraph {
  const skipped = new Map<string, string>();
  const { sparsity = 0, pattern, targets = {} } = settings;
  const layers = kernelNodes(graph);
  checkTargets(targets, layers);
  if (sparsity === 0 && !keptOf(pattern) && Object.keys(targets).length === 0) return { graph, skipped };
  refuseNotFinite(graph);
  const whole = allocate(layers, settings);
  const pruned = new Map<string, Weight>();
  for (const layer of layers) {
    const key = layer.node.weights.kernel;
    const { share, dense } = whole.get(key) as Allocated;
    if (dense !== undefined) {
      skipped.set(layer.node.name, `not pruned: ${dense}`);
    } else if (!pruned.has(key)) {
      pruned.set(key, prunedKernel(layer, { ...settings, sparsity: share }, kernels));
    }
  }
  const result = withNodes(graph, { weights: pruned });
  noteShortage(skipped, result, whole, settings);
  return { graph: result, skipped };
}

interface Allocated {
  readonly share: number;
  /** Why it is left as it is; absent where it is pruned. */
  readonly dense: string | undefined;
  /** False for a kernel that has a target of its own. */
  readonly isFree: boolean;
}

/** What each kernel loses, by its key: one that layers share counts once. */
function allocate(
  layers: readonly KernelNode[],
  { sparsity = 0, pattern, scope = "auto", targets = {} }: PruneSettings,
): ReadonlyMap<string, Allocated> {
  const kept = keptOf(pattern);
  const asked = kept ? 1 - kept.n / kept.m : sparsity;
  const whole = new Map<string, Allocated>();
  for (const { node, form } of layers) {
    if (!Object.hasOwn(targets, node.name)) continue;
    const dense = noRoomOf(form, pattern);
    whole.set(node.weights.kernel, { share: targets[node.name], dense, isFree: false });
  }
  const free = [...new Map(layers.map((layer) => [layer.node.weights.kernel, layer]))].filter(
    ([key]) => !whole.has(key),
  );
  const prunable = free.map(([, layer]) => prunableOf(layer, pattern));
  const spared = scope === "auto" && asked > 0 ? spareLayers(prunable, asked) : [];
  const shares = allocateSparsity(prunable, sparsity, kept ? "local" : scope, spared);
  for (const [i, [key]] of free.entries()) {
    whole.set(key, { share: shares[i], dense: prunable[i].noRoom ?? spared[i], isFree: true });
  }
  return whole;
}

function checkTargets(targets: Readonly<Record<string, number>>, layers: readonly KernelNode[]): void {
  for (const name of Object.keys(targets)) {
    if (layers.some(({ node }) => node.name === name)) continue;
    const names = layers.map(({ node }) => node.name).join(", ");
    throw new RangeError(`targets: wanted names of layers (${names}), got ${name}`);
  }
}

/** Says so at each layer that was pruned where all of them could not lose as much as was asked. */
function noteShortage(
  notes: Map<string, string>,
  graph: Graph,
  whole: ReadonlyMap<string, Allocated>,
  { sparsity = 0, pattern, scope = "auto" }: PruneSettings,
): void {
  if (scope !== "auto" || keptOf(pattern)) return;
  const free = kernelNodes(graph).filter(({ node }) => whole.get(node.weights.kernel)?.isFree);
  const kernels = [...new Map(free.map(({ node, kernel }) => [node.weights.kernel, kernel.data])).values()];
  const all = kernels.reduce((sum, { length }) => sum + length, 0);
  const zeros = kernels.reduce((sum, data) => sum + countZeros(data), 0);
  if (zeros / all > sparsity - 0.005) return;
  const note = describeShare(undefined, zeros / all, sparsity);
  for (const { node } of free) if (!notes.has(node.name)) notes.set(node.name, note);
}

function countZeros(values: Float32Array): number {
  let zeros = 0;
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros += 1;
  return zeros;
}

function noRoomOf(form: KernelForm, pattern: Pattern): string | undefined {
  if (pattern === "unstructured") return undefined;
  return form.notPrunable ?? noRoomFor(blockOf(pattern), form, pattern);
}

function prunableOf({ kernel, form }: KernelNode, pattern: Pattern): PrunableLayer {
  const { taps, inputs, outputs, notPrunable } = form;
  const noRoom = noRoomOf(form, pattern);
  // Where the pattern does not fit nothing goes: weights alone are as good as blocks.
  const block = blockOf(noRoom === undefined ? pattern : "unstructured");
  const rows = rowsOf(form, block);
  const matrix = rows === inputs ? kernel.data : repeatRows(kernel.data, taps, inputs, rows, outputs);
  const squares = blockSquares(matrix, { inputs: taps * rows, outputs }, block);
  return { squares, weights: kernel.data.length, isDepthwise: notPrunable !== undefined, noRoom };
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

function blockOf(pattern: Pattern): BlockShape {
  if (pattern === "unstructured") return { inputs: 1, outputs: 1 };
  return { inputs: keptOf(pattern)?.m ?? 4, outputs: pattern === "4x4" ? 4 : 1 };
}

/** Inputs of a tap, filled up: a group of inputs lies within one tap. */
function rowsOf({ taps, inputs }: KernelForm, block: BlockShape): number {
  return taps === 1 ? inputs : Math.ceil(inputs / block.inputs) * block.inputs;
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
  const rows = rowsOf(form, blockOf(pattern));
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

/** n and m of "n:m". */
function keptOf(pattern: Pattern): { readonly n: number; readonly m: number } | undefined {
  const match = /^(\d+):(\d+)$/.exec(pattern);
  if (!match) return undefined;
  const [n, m] = [Number(match[1]), Number(match[2])];
  return n >= 1 && n < m && m <= 1024 ? { n, m } : undefined;
}

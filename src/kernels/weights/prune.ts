/** Pruning by a threshold, to a sparsity, by blocks. */

import type { Engine } from "../../wasm/index.js";
import type { TrainKernel } from "../train-set.js";
import { checkInteger, checkNumber, checkOneOf, checkShare, checkWeights, describe } from "./check.js";
import { countNumbers, cutAt, kthMagnitude, numberOf } from "./select.js";
import { locate, stream, whole } from "./stream.js";
import type { BlockOptions, PruneMode } from "./types.js";

type TrainEngine = Engine<TrainKernel>;

export function prune(engine: TrainEngine, w: Float32Array, threshold: number, mode: PruneMode): number {
  checkWeights(w);
  checkNumber("threshold", threshold);
  checkOneOf("mode", mode, ["magnitude", "signed"]);
  const signed = mode === "signed";
  const rounded = Math.fround(threshold);
  if (!Number.isFinite(rounded) || (!signed && threshold < 0)) {
    throw new RangeError(`threshold: wanted a finite number${signed ? "" : " >= 0"}, got ${threshold}`);
  }
  const kernel = signed ? engine.kernels.f32_prune_signed : engine.kernels.f32_prune;
  let zeroed = 0;
  stream(engine.heap, [{ at: locate(engine.heap, w), reads: true, writes: true }], (count, [address]) => {
    zeroed += kernel(address, count, rounded);
  });
  return zeroed;
}

export function kthMagnitudeOf(engine: TrainEngine, w: Float32Array, k: number): number {
  checkWeights(w);
  if (w.length === 0) throw new RangeError("w: wanted at least one weight, got none");
  checkInteger("k", k, 1, w.length);
  const at = locate(engine.heap, w);
  const magnitude = numberOf(kthMagnitude(engine, at, k).bits);
  if (!Number.isNaN(magnitude)) return magnitude;
  const numbers = countNumbers(engine, at);
  throw new RangeError(`k: wanted 1 to ${numbers}, the number of weights that are not NaN, got ${k}`);
}

export function pruneToSparsity(engine: TrainEngine, w: Float32Array, sparsity: number): number {
  checkWeights(w);
  checkShare("sparsity", sparsity);
  const { heap, kernels } = engine;
  const at = locate(heap, w);
  const target = Math.floor(sparsity * at.length);
  if (target === 0) return 0;
  const { threshold, ties } = cutAt(engine, at, target);
  // Every weight that should be zero is.
  if (threshold === 0) return 0;
  let zeroed = 0;
  let left = ties;
  stream(heap, [{ at, reads: true, writes: true }], (count, [address]) => {
    zeroed += kernels.f32_prune(address, count, threshold);
    if (left === 0) return;
    const tied = kernels.f32_prune_ties(address, count, threshold, left);
    left -= tied;
    zeroed += tied;
  });
  return zeroed;
}

export function pruneBlocks(engine: TrainEngine, w: Float32Array, options: BlockOptions): number {
  checkWeights(w);
  const { inputs, outputs, pattern, sparsity } = options;
  checkInteger("inputs", inputs, 0, 2 ** 31 - 1);
  checkInteger("outputs", outputs, 0, 2 ** 31 - 1);
  if (inputs * outputs !== w.length) {
    throw new RangeError(`w: wanted inputs * outputs = ${inputs * outputs} weights, got ${w.length}`);
  }
  if (pattern === "1x4" || pattern === "4x4") {
    checkShare("sparsity", sparsity);
    return pruneByScore(engine, w, inputs, outputs, pattern, sparsity);
  }
  const { n, m } = parse(pattern);
  if (sparsity !== undefined) throw new RangeError(`sparsity: ${pattern} has its own, got ${sparsity}`);
  const { heap, kernels } = engine;
  const at = locate(heap, w);
  return heap.run((alloc) => {
    const bits = alloc(16 * m);
    const copy = whole(heap, at, alloc, true);
    copy.copyIn();
    const zeroed = kernels.f32_prune_nofm(copy.address, bits, inputs, outputs, n, m);
    copy.copyOut();
    return zeroed;
  });
}

function pruneByScore(
  engine: TrainEngine,
  w: Float32Array,
  inputs: number,
  outputs: number,
  pattern: "1x4" | "4x4",
  sparsity: number,
): number {
  const { heap, kernels } = engine;
  const small = pattern === "1x4";
  const blocks = Math.ceil(inputs / 4) * (small ? outputs : Math.ceil(outputs / 4));
  const target = Math.floor(sparsity * blocks);
  if (target === 0) return 0;
  const score = small ? kernels.f32_score_1x4 : kernels.f32_score_4x4;
  const zero = small ? kernels.f32_prune_1x4 : kernels.f32_prune_4x4;
  const at = locate(heap, w);
  return heap.run((alloc) => {
    const scores = alloc(blocks * 4);
    const copy = whole(heap, at, alloc, true);
    copy.copyIn();
    score(scores, copy.address, inputs, outputs);
    const { threshold, ties } = cutAt(engine, locate(heap, heap.f32(scores, blocks)), target);
    const zeroed = zero(copy.address, scores, inputs, outputs, threshold, ties);
    copy.copyOut();
    return zeroed;
  });
}

const MOST = 1024;

function parse(pattern: unknown): { readonly n: number; readonly m: number } {
  if (typeof pattern !== "string") throw new TypeError(`pattern: wanted a string, got ${describe(pattern)}`);
  const [, n, m] = (/^(\d{1,4}):(\d{1,4})$/.exec(pattern) ?? []).map(Number);
  if (!(n >= 1 && n <= m && m <= MOST)) {
    throw new RangeError(`pattern: wanted 1x4, 4x4 or n:m with 1 <= n <= m <= ${MOST}, got ${pattern}`);
  }
  return { n, m };
}

/** The weight kernels on typed arrays: pruning, quantization, statistics. */

import { type EngineOptions, openEngine, type Variant } from "../wasm/index.js";
import { trainSet } from "./train-set.js";
import { kthMagnitudeOf, prune, pruneBlocks, pruneToSparsity } from "./weights/prune.js";
import { dequantize, quantize } from "./weights/quantize.js";
import { absMax, absMaxOfChannels, histogram, minMax } from "./weights/statistics.js";
import type {
  BlockOptions,
  Codes,
  CodeType,
  Histogram,
  HistogramOptions,
  PruneOptions,
  Quantized,
  QuantizeOptions,
} from "./weights/types.js";

/**
 * Kernels on weights, same bits in every variant. An array that lies in the engine's heap (option `host`) is
 * worked on in place; any other is copied in and out. A view of that heap that was made before a call may
 * have ended after it, as the memory may grow: the results are good, and in the views that a call returns.
 */
export interface WeightKernels {
  /** The binary that runs: "relaxed", "simd" or "reference". */
  readonly variant: Variant;

  /**
   * Zeroes every weight below a threshold, in place; NaN is kept.
   *
   * @param w f32, any shape
   * @param threshold finite, rounded to f32, >= 0 for mode "magnitude"; a weight equal to it is kept
   * @returns how many weights it zeroed; those that were 0 before do not count
   * @throws TypeError where w is no Float32Array, RangeError for a threshold out of range
   */
  prune(w: Float32Array, threshold: number, options?: PruneOptions): number;

  /**
   * The exact k-th smallest magnitude, in linear time.
   *
   * @param w f32, any shape; infinities are the largest, NaN does not count
   * @param k in [1, number of weights that are not NaN]
   * @throws RangeError for k out of range
   */
  kthMagnitude(w: Float32Array, k: number): number;

  /**
   * Zeroes the floor(sparsity * w.length) smallest magnitudes, in place, of equal ones the first. Zeros that
   * were there count towards it. NaN is kept, even where fewer weights are left than should go.
   *
   * @param w f32, any shape
   * @param sparsity share of zeros afterwards, in [0, 1]
   * @returns how many weights it zeroed; those that were 0 before do not count
   * @throws RangeError for a sparsity out of range
   */
  pruneToSparsity(w: Float32Array, sparsity: number): number;

  /**
   * Zeroes whole blocks of a matrix, in place; blocks run along the input, those at the edge may be smaller.
   *
   * 1x4 and 4x4: the floor(sparsity * blocks) blocks of the smallest sum of squares (in f32), of equal ones
   * the first in order of input, then output; a block with a NaN is kept. n:m: of every m consecutive
   * inputs of an output all but the n largest magnitudes, of equal ones the first; NaN is the largest, and kept.
   *
   * @param w f32[inputs][outputs], tfjs' layout
   * @returns how many weights it zeroed; those that were 0 before do not count
   * @throws RangeError where w has not inputs * outputs weights, for a pattern that is none, for a sparsity out
   *   of range, or one given with n:m
   */
  pruneBlocks(w: Float32Array, options: BlockOptions): number;

  /**
   * Divides by a divisor and rounds to integers that saturate: codes[i] = round(w[i] / divisor).
   *
   * @param w f32, any shape whose last axis is the output channel
   * @returns the codes, and how many saturated or were NaN
   * @throws TypeError for arrays of the wrong type; RangeError for a divisor that is not finite and > 0 in f32,
   *   or whose number does not divide the weights
   */
  quantize<Type extends CodeType = "s8">(w: Float32Array, options: QuantizeOptions<Type>): Quantized<Type>;

  /**
   * codes[i] * divisor, in f32.
   *
   * @param codes s8, i16 or i32 (one beyond 2^24 is rounded to f32 first)
   * @param divisor as for `quantize`
   * @param options out: where the weights go, f32 of the length of codes; a new array unless given
   * @returns f32, of the length of codes
   * @throws as `quantize`
   */
  dequantize(
    codes: Codes,
    divisor: number | Float32Array,
    options?: { readonly out?: Float32Array },
  ): Float32Array;

  /**
   * The largest magnitude, 0 where there is none; NaN is passed over.
   *
   * @param options channels: size of the last axis, to get one for each of its places
   * @throws RangeError where channels does not divide the number of weights
   */
  absMax(w: Float32Array): number;
  absMax(w: Float32Array, options: { readonly channels: number }): Float32Array;

  /** The smallest and the largest weight, Infinity and -Infinity where there is none; NaN is passed over. */
  minMax(w: Float32Array): { readonly min: number; readonly max: number };

  /**
   * How many weights lie in each of equal bins: bin = trunc((w - low) * (bins / (high - low))) in f32.
   *
   * @param options bins in [1, 2^20]; low < high, finite in f32
   * @throws RangeError for bins or a range that cannot be
   */
  histogram(w: Float32Array, options: HistogramOptions): Histogram;
}

/**
 * Opens the weight kernels.
 *
 * @param options a forced variant; a host's memory to work in
 * @throws RangeError for an unknown variant; Error where the forced variant does not run here
 */
export function openWeightKernels(options: EngineOptions = {}): WeightKernels {
  // Nothing here multiplies bytes, so relaxed16 is relaxed.
  const engine = openEngine(
    trainSet,
    options.variant === "relaxed16" ? { ...options, variant: "relaxed" } : options,
  );
  function absMaxOf(w: Float32Array): number;
  function absMaxOf(w: Float32Array, options: { readonly channels: number }): Float32Array;
  function absMaxOf(w: Float32Array, options?: { readonly channels: number }): number | Float32Array {
    return options?.channels === undefined
      ? absMax(engine, w)
      : absMaxOfChannels(engine, w, options.channels);
  }
  return {
    variant: engine.variant,
    prune: (w, threshold, { mode = "magnitude" } = {}) => prune(engine, w, threshold, mode),
    kthMagnitude: (w, k) => kthMagnitudeOf(engine, w, k),
    pruneToSparsity: (w, sparsity) => pruneToSparsity(engine, w, sparsity),
    pruneBlocks: (w, options) => pruneBlocks(engine, w, options),
    quantize: (w, options) => quantize(engine, w, options),
    dequantize: (codes, divisor, { out } = {}) => dequantize(engine, codes, divisor, out),
    absMax: absMaxOf,
    minMax: (w) => minMax(engine, w),
    histogram: (w, options) => histogram(engine, w, options),
  };
}

/**
 * What the article that pare began with does to a model, to the letter: for comparison, not for use.
 *
 * Its samples go over every weight tensor (`for weight in model.get_weights()`), biases and batch
 * normalization included, with `weight[weight < threshold] = 0` and `weight // constant`; they never
 * store the result, which is done here, as its text says to.
 */

import type { LayersModel } from "@tensorflow/tfjs-layers";
import { editWeight } from "./edit.js";
import { distill } from "./seed-distill.js";
import { listWeights, type ModelWeight } from "./weights.js";
import { zeroDistance } from "./zero-distance.js";

export interface SeedOptions {
  /** Told what was destroyed; `console.warn` unless given. */
  readonly onWarning?: (message: string) => void;
}

export interface SeedPruneReport {
  /** Numbers in all weights of the model. */
  readonly total: number;
  /** Set to 0 by this call, though they were not. */
  readonly zeroed: number;
  /** Of them, below 0, and those of them whose magnitude is at least the threshold's. */
  readonly negative: number;
  readonly large: number;
  /** Of them, in tensors other than kernels. */
  readonly notInKernels: number;
}

export interface SeedQuantizeReport {
  readonly total: number;
  /** That became 0, though they were not, and that became -1. */
  readonly zeroed: number;
  readonly minusOne: number;
  /** Distinct values over all weights. */
  readonly distinctBefore: number;
  readonly distinctAfter: number;
}

export const seed = { prune, quantize, distill, zeroDistance } as const;

/**
 * `weight[weight < threshold] = 0` on every weight tensor: the comparison is signed, so for a threshold
 * above 0 every negative weight goes, however large. Use `pruneModel`.
 *
 * @param model any LayersModel
 * @param threshold finite; the article has 0.01. Compared as f32, as NumPy does
 * @returns counts, the same that the warning says
 * @throws TypeError where it is no LayersModel; RangeError for a threshold that is not finite
 */
function prune(model: LayersModel, threshold = 0.01, options: SeedOptions = {}): SeedPruneReport {
  if (!Number.isFinite(threshold))
    throw new RangeError(`threshold: wanted a finite number, got ${threshold}`);
  const counts = { total: 0, zeroed: 0, negative: 0, large: 0, notInKernels: 0 };
  const bound = Math.fround(threshold);
  for (const weight of floatWeights(model)) {
    editWeight(weight.variable, (view, kernels) => {
      countLosses(view(), bound, !weight.role.endsWith("kernel"), counts);
      kernels.prune(view(), bound, { mode: "signed" });
    });
  }
  const { total, zeroed, negative, large, notInKernels } = counts;
  warn(
    options,
    `seed.prune: ${zeroed} of ${total} weights were set to 0. The comparison weight < ${threshold} is signed: ` +
      `${negative} of them were negative, ${large} of these of magnitude ${Math.abs(threshold)} or more; ` +
      `${notInKernels} were biases, normalization or other weights that are no kernels. ` +
      "pruneModel compares magnitudes and prunes kernels only",
  );
  return counts;
}

function countLosses(
  values: Float32Array,
  bound: number,
  outsideKernels: boolean,
  counts: { -readonly [Name in keyof SeedPruneReport]: number },
): void {
  counts.total += values.length;
  for (const value of values) {
    if (!(value < bound) || value === 0) continue;
    counts.zeroed += 1;
    if (value < 0) counts.negative += 1;
    if (value < 0 && -value >= Math.abs(bound)) counts.large += 1;
    if (outsideKernels) counts.notInKernels += 1;
  }
}

/**
 * `weight // constant` on every weight tensor: floor division, whose quotients are stored as the new
 * weights, not multiplied back. Weights smaller than the constant become 0 or -1. Use `quantizeModel`.
 *
 * @param model any LayersModel
 * @param constant finite, not 0; the article has 8
 * @returns counts, the same that the warning says
 * @throws TypeError where it is no LayersModel; RangeError for a constant that is 0 or not finite
 */
function quantize(model: LayersModel, constant = 8, options: SeedOptions = {}): SeedQuantizeReport {
  const divisor = Math.fround(constant);
  if (!Number.isFinite(divisor) || divisor === 0) {
    throw new RangeError(`constant: wanted a finite number that is not 0, got ${constant}`);
  }
  const counts = { total: 0, zeroed: 0, minusOne: 0 };
  const before = new Set<number>();
  const after = new Set<number>();
  for (const { variable } of floatWeights(model)) {
    editWeight(variable, (view) => {
      const values = view();
      counts.total += values.length;
      for (let i = 0; i < values.length; i++) {
        const value = values[i];
        before.add(value);
        values[i] = floorDivide(value, divisor);
        after.add(values[i]);
        if (values[i] === 0 && value !== 0) counts.zeroed += 1;
        if (values[i] === -1) counts.minusOne += 1;
      }
    });
  }
  const { total, zeroed, minusOne } = counts;
  warn(
    options,
    `seed.quantize: weight // ${constant} left ${after.size} distinct values of ${before.size} in ${total} ` +
      `weights: ${zeroed} became 0 and ${minusOne} became -1, biases and normalization included, and the ` +
      "quotients are not multiplied back. quantizeModel rounds kernels to 255 levels of their own scale",
  );
  return { ...counts, distinctBefore: before.size, distinctAfter: after.size };
}

/** NumPy's `//` of f32 numbers: npy_floor_divide, by way of the remainder, which is exact. */
function floorDivide(value: number, divisor: number): number {
  const remainder = value % divisor;
  const quotient = Math.round((value - remainder) / divisor);
  if (remainder !== 0 && remainder < 0 !== divisor < 0) return quotient - 1;
  return quotient === 0 ? 0 : quotient; // one kind of zero
}

function floatWeights(model: LayersModel): ModelWeight[] {
  return listWeights(model).filter(({ variable }) => variable.dtype === "float32");
}

function warn({ onWarning = console.warn }: SeedOptions, message: string): void {
  onWarning(message);
}

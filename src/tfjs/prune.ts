/** Prunes the kernels of a LayersModel where they are. */

import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Kernels } from "../kernels/index.js";
import { asColumns, columnsOf, product } from "./columns.js";
import { countZeros, editWeight, type View } from "./edit.js";
import { chooseWeights, listWeights, type ModelWeight, type WeightChoice } from "./weights.js";

/** `unstructured`; blocks of 1x4 or 4x4 (outputs x inputs); or n:m, n of every m inputs kept. */
export type Pattern = "unstructured" | "1x4" | "4x4" | `${number}:${number}`;

export interface PruneOptions extends WeightChoice {
  /** Zeroes what is below it; finite, and >= 0 for mode "magnitude". Either this, or sparsity, or n:m. */
  readonly threshold?: number;
  /** "magnitude" (default): |w| < threshold; "signed": w < threshold. */
  readonly mode?: "magnitude" | "signed";
  /** Share of zeros that each weight tensor gets, or of blocks, in [0, 1], rounded up; the smallest first. */
  readonly sparsity?: number;
  /** "unstructured" unless given. A block goes as a whole, by its sum of squares. */
  readonly pattern?: Pattern;
}

export interface PrunedWeight {
  readonly name: string;
  readonly layer: string;
  readonly shape: readonly number[];
  readonly total: number;
  readonly zerosBefore: number;
  readonly zerosAfter: number;
  /** True where it was done in tfjs' memory, without a copy. */
  readonly inPlace: boolean;
}

export interface PruneReport {
  readonly weights: readonly PrunedWeight[];
  /** Numbers in these weights, and how many of them are 0 now. */
  readonly total: number;
  readonly zeros: number;
  /** zeros / total */
  readonly sparsity: number;
}

/**
 * Sets small weights of a model to 0; the model can be used at once, by stock tfjs too.
 *
 * @param model any LayersModel, nested or with shared layers
 * @param options threshold, sparsity or an n:m pattern, and which weights
 * @returns what became of each weight tensor
 * @throws TypeError where it is no LayersModel or a number is none
 * @throws RangeError for options out of range or at odds, a name that means no weight, or a pattern
 *   that does not fit a weight
 */
export function pruneModel(model: LayersModel, options: PruneOptions): PruneReport {
  const weights = chooseWeights(listWeights(model), options);
  const prune = pruning(options);
  return summarize(
    weights.map((weight) => {
      const { result, inPlace } = editWeight(weight.variable, (view, kernels) => {
        const zerosBefore = countZeros(view());
        return { zerosBefore, zerosAfter: zerosBefore + prune(view, kernels, weight) };
      });
      const { name, layer, shape } = weight;
      return { name, layer, shape, total: product(shape), ...result, inPlace };
    }),
  );
}

function summarize(weights: readonly PrunedWeight[]): PruneReport {
  const total = weights.reduce((sum, weight) => sum + weight.total, 0);
  const zeros = weights.reduce((sum, weight) => sum + weight.zerosAfter, 0);
  return { weights, total, zeros, sparsity: total === 0 ? 0 : zeros / total };
}

/** Returns how many numbers it set to 0 that were not. */
type Pruning = (view: View, kernels: Kernels, weight: ModelWeight) => number;

function pruning(options: PruneOptions): Pruning {
  const { threshold, sparsity, mode = "magnitude", pattern = "unstructured" } = options;
  const keep = parsePattern(pattern);
  if (threshold === undefined) {
    if (options.mode !== undefined) throw new RangeError("mode: wanted a threshold with it, got none");
    if (!keep && sparsity === undefined) throw new RangeError("pruneModel: wanted threshold or sparsity");
    if (keep && sparsity !== undefined) {
      throw new RangeError(`sparsity: ${pattern} has its own, got ${sparsity}`);
    }
    if (sparsity !== undefined) checkSparsity("sparsity", sparsity);
    return (view, kernels, weight) => pruneTo(view, kernels, weight, pattern, sparsity);
  }
  if (sparsity !== undefined || pattern !== "unstructured") {
    throw new RangeError("threshold: wanted no sparsity and no pattern with it");
  }
  if (mode !== "magnitude" && mode !== "signed") {
    throw new RangeError(`mode: wanted magnitude or signed, got ${mode}`);
  }
  if (typeof threshold !== "number")
    throw new TypeError(`threshold: wanted a number, got ${typeof threshold}`);
  if (!Number.isFinite(threshold) || (mode === "magnitude" && threshold < 0)) {
    throw new RangeError(
      `threshold: wanted a finite number${mode === "magnitude" ? " >= 0" : ""}, got ${threshold}`,
    );
  }
  return (view, kernels) => kernels.prune(view(), threshold, { mode });
}

/**
 * Prunes one weight to a sparsity, or to the n:m of the pattern.
 *
 * @returns how many numbers it set to 0 that were not
 */
export function pruneTo(
  view: View,
  kernels: Kernels,
  weight: ModelWeight,
  pattern: Pattern,
  sparsity: number | undefined,
): number {
  if (pattern === "unstructured") {
    return kernels.pruneToSparsity(view(), atLeast(sparsity as number, weight.variable.size));
  }
  const columns = columnsOf(weight);
  const { inputs, outputs } = columns;
  const blocks = Math.ceil(inputs / 4) * (pattern === "4x4" ? Math.ceil(outputs / 4) : outputs);
  const target = sparsity === undefined ? {} : { sparsity: atLeast(sparsity, blocks) };
  return asColumns(view, columns, (matrix) =>
    kernels.pruneBlocks(matrix(), { inputs, outputs, pattern, ...target }),
  );
}

/** The kernels round the number of zeros down; whoever asks for 90 % of a model does not want 89.9. */
function atLeast(sparsity: number, count: number): number {
  if (count === 0) return 0;
  const zeros = Math.ceil(sparsity * count - 1e-6); // 0.55 * 100 is above 55
  return Math.min(1, (zeros + 0.5) / count); // the half outlives the division, and is rounded down
}

/**
 * The numbers of an n:m pattern, undefined for the others.
 *
 * @throws RangeError for a pattern that is none
 */
export function parsePattern(pattern: Pattern): { readonly n: number; readonly m: number } | undefined {
  if (pattern === "unstructured" || pattern === "1x4" || pattern === "4x4") return undefined;
  const [, n, m] = (/^(\d{1,4}):(\d{1,4})$/.exec(pattern) ?? []).map(Number);
  if (!(n >= 1 && n <= m)) {
    throw new RangeError(`pattern: wanted unstructured, 1x4, 4x4 or n:m with 1 <= n <= m, got ${pattern}`);
  }
  return { n, m };
}

export function checkSparsity(name: string, sparsity: number): void {
  if (typeof sparsity !== "number") throw new TypeError(`${name}: wanted a number, got ${typeof sparsity}`);
  if (!(sparsity >= 0 && sparsity <= 1)) {
    throw new RangeError(`${name}: wanted a share in [0, 1], got ${sparsity}`);
  }
}

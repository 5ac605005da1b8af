/** What `compress` is asked for: its options, checked. */

import {
  checkPruneSettings,
  type Pattern,
  type PruneScope,
  type RangeChoice,
  type Ranges,
} from "./compress/index.js";
import { checkKeys } from "./data/index.js";
import type { InputShapes } from "./graph/index.js";
import type { InputData } from "./runtime/index.js";
import type { Variant } from "./wasm/index.js";

export { checkPruneSettings };

export interface CompressOptions {
  /**
   * Samples as the model gets them, f32, already scaled: by input name, or alone for one input. int8
   * takes the ranges of all values from them; a hundred or a few are enough.
   */
  readonly calibration?: InputData | Readonly<Record<string, InputData>>;
  /**
   * Ranges of values that are known, such as those of a model trained with `quantize`: in place of
   * calibration, and of all that moves weights or biases by it.
   */
  readonly ranges?: Ranges;
  /** int8 (default) wants calibration or ranges; f32 keeps weights and values as they are. */
  readonly precision?: "int8" | "f32";
  /** Part of all kernels together to zero, in [0, 1); zeros that are there count. Default: none. */
  readonly sparsity?: number;
  /**
   * What each kernel has of that: "auto" (default) decides over all of them and leaves depthwise and tiny ones dense,
   * "local" takes the same part of each, "global" the smallest weights or blocks of all.
   */
  readonly scope?: PruneScope;
  /** Parts of kernels to zero by name of layer, in [0, 1), in place of their part of `sparsity`; not with n:m. */
  readonly targets?: Readonly<Record<string, number>>;
  /** Where the zeros are: anywhere (default), in blocks, or all but n of every m inputs. */
  readonly pattern?: Pattern;
  /**
   * What of a value's range its codes cover. "auto" (default): percentile, and where that misses the fidelity what is
   * best of it, min-max and "output-error": the range of the least error at the outputs of the layers that read it.
   */
  readonly activations?: "auto" | "output-error" | "percentile" | "mse" | "entropy" | "min-max";
  /** In (50, 100], for activations "percentile". Default 99.99. */
  readonly percentile?: number;
  /** Moves biases by the mean error of their channels on the calibration samples. Default true. */
  readonly biasCorrection?: boolean;
  /** Scales channels of neighbouring layers so that all use the codes of their value. Default true. */
  readonly equalization?: boolean;
  /**
   * Least cosine between each output of int8 and of f32, in [0.5, 1); its relative RMS error may be sqrt(1 - cosine).
   * Layers that hurt it become f32 until it is reached; `fidelity` of the result says what was. Default 0.99, an error
   * of 0.1. "off" measures nothing.
   */
  readonly fidelity?: number | "off";
  /** Samples to measure that on, as for `calibration`. Default: a fourth of these, set aside until all is decided. */
  readonly check?: InputData | Readonly<Record<string, InputData>>;
  /** Names of layers whose kernels stay f32, such as `layers` of a result says them. Default: none. */
  readonly keepF32?: readonly string[];
  /** Shapes of samples, for inputs whose sizes the model leaves open: { image: [224, 224, 3] }. */
  readonly inputShapes?: InputShapes;
  /** For the provenance, such as an ISO date. Default: none, so that the same input makes the same bytes. */
  readonly created?: string;
  /** Allow http and https for the model's path. Default false. */
  readonly allowRemote?: boolean;
  /** Forces a build of the kernels that calibrate; all give the same bytes. */
  readonly variant?: Variant;
  readonly onProgress?: (progress: CompressProgress) => void;
  readonly signal?: AbortSignal;
}

export interface CompressProgress {
  readonly stage: "import" | "prune" | "equalize" | "calibrate" | "correct" | "raise" | "encode";
  /** Part of the whole, 0 to 1. */
  readonly done: number;
}

/** Those that decide what comes out, with what they are where nobody says. */
export interface Settings {
  readonly precision: "int8" | "f32";
  readonly sparsity: number | undefined;
  readonly pattern: Pattern;
  readonly scope: PruneScope;
  readonly targets: Readonly<Record<string, number>>;
  readonly ranges: RangeChoice;
  /** Ways to choose ranges that may be tried besides. */
  readonly otherRanges: readonly RangeChoice[];
  readonly fidelity: number | "off";
  readonly biasCorrection: boolean;
  readonly equalization: boolean;
}

const known = {
  calibration: true,
  ranges: true,
  precision: true,
  sparsity: true,
  scope: true,
  targets: true,
  pattern: true,
  activations: true,
  percentile: true,
  biasCorrection: true,
  equalization: true,
  fidelity: true,
  check: true,
  keepF32: true,
  inputShapes: true,
  created: true,
  allowRemote: true,
  variant: true,
  onProgress: true,
  signal: true,
} as const;

/** @throws TypeError, RangeError for options that there are not, by name */
export function readOptions(options: CompressOptions): Settings {
  checkKeys("compress", options, known);
  const { precision = "int8", sparsity, pattern = "unstructured", scope = "auto", targets = {} } = options;
  const { biasCorrection = true, equalization = true } = options;
  const { activations = "auto", percentile = 99.99, fidelity = 0.99 } = options;
  if (precision !== "int8" && precision !== "f32") {
    throw new RangeError(`precision: wanted int8 or f32, got ${precision}`);
  }
  if (precision === "int8") checkSource(options);
  if (!["auto", "output-error", "percentile", "mse", "entropy", "min-max"].includes(activations)) {
    throw new RangeError(
      `activations: wanted auto, output-error, percentile, mse, entropy or min-max, got ${activations}`,
    );
  }
  if (!(percentile > 50 && percentile <= 100)) {
    throw new RangeError(`percentile: wanted a number above 50 and up to 100, got ${percentile}`);
  }
  if (fidelity !== "off" && !(fidelity >= 0.5 && fidelity < 1)) {
    throw new RangeError(`fidelity: wanted a cosine in [0.5, 1) or "off", got ${fidelity}`);
  }
  checkPruneSettings({ sparsity, pattern, scope, targets });
  const ranges: RangeChoice =
    activations === "percentile" || activations === "auto"
      ? { method: "percentile", percentile }
      : { method: activations };
  const otherRanges: readonly RangeChoice[] =
    activations === "auto" ? [{ method: "min-max" }, { method: "output-error" }] : [];
  return {
    precision,
    sparsity,
    pattern,
    scope,
    targets,
    ranges,
    otherRanges,
    fidelity,
    biasCorrection,
    equalization,
  };
}

function checkSource({ calibration, ranges }: CompressOptions): void {
  if (calibration === undefined && ranges === undefined) {
    throw new RangeError("calibration: int8 wants samples as the model gets them, got none");
  }
  if (ranges === undefined) return;
  if (calibration !== undefined) throw new RangeError("ranges: wanted no calibration with them");
  if (typeof ranges !== "object" || ranges === null) {
    throw new TypeError(
      `ranges: wanted ranges by name of value, got ${ranges === null ? "null" : typeof ranges}`,
    );
  }
}

/** How to train for int8. */

import type { RangeMethod } from "../../compress/index.js";
import { checkKeys } from "../../data/index.js";

export interface QuantizeTrainingOptions {
  /**
   * How the ranges of values in codes move: "observed" (default), with what batches hold; "learned", down the
   * gradient of the loss, zero points held.
   */
  readonly ranges?: "observed" | "learned";
  /** What of a value's range its codes cover at first, as for `compress`; "percentile" unless given. */
  readonly activations?: "percentile" | "mse" | "entropy" | "min-max";
  /** In (50, 100], for activations "percentile"; 99.99 unless given. */
  readonly percentile?: number;
  /** Training samples that the first ranges are taken from, an integer >= 1; 256 unless given. */
  readonly samples?: number;
  /**
   * First step that is quantized, an integer in [0, all steps); 0 unless given. From then on batch
   * normalizations keep their statistics: the runtime has them folded into kernels.
   */
  readonly delay?: number;
  /** First step at which ranges stay as they are, an integer >= delay; after three quarters of the steps unless given. */
  readonly freeze?: number;
  /** Of the moving averages of observed ranges, in [0, 1); 0.99 unless given. */
  readonly decay?: number;
  /** Of learned ranges: what the base-2 logarithm of a scale moves in a step, about; 0.01 unless given. */
  readonly rangeRate?: number;
  /** Names of layers whose kernels stay f32, as for `compress`, which must be told the same. */
  readonly keepF32?: readonly string[];
}

export interface QuantizeSettings {
  readonly ranges: "observed" | "learned";
  readonly method: RangeMethod;
  readonly samples: number;
  readonly delay: number;
  readonly freeze: number;
  readonly decay: number;
  readonly rangeRate: number;
  readonly keepF32: readonly string[];
}

const known: Readonly<Record<keyof QuantizeTrainingOptions, true>> = {
  ranges: true,
  activations: true,
  percentile: true,
  samples: true,
  delay: true,
  freeze: true,
  decay: true,
  rangeRate: true,
  keepF32: true,
};

/** @throws TypeError, RangeError for what is unknown or out of range, by name */
export function readQuantizeOptions(
  options: true | QuantizeTrainingOptions,
  steps: number,
): QuantizeSettings {
  const given = options === true ? {} : options;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`quantize: wanted true or options, got ${given === null ? "null" : typeof given}`);
  }
  checkKeys("quantize", given, known);
  const { ranges = "observed", activations = "percentile", percentile = 99.99, samples = 256 } = given;
  const { delay = 0, decay = 0.99, rangeRate = 0.01, keepF32 = [] } = given;
  const freeze = given.freeze ?? Math.max(delay, Math.floor((steps * 3) / 4));
  if (ranges !== "observed" && ranges !== "learned") {
    throw new RangeError(`quantize: ranges: wanted observed or learned, got ${ranges}`);
  }
  if (!["percentile", "mse", "entropy", "min-max"].includes(activations)) {
    throw new RangeError(
      `quantize: activations: wanted percentile, mse, entropy or min-max, got ${activations}`,
    );
  }
  checkNumber(
    "percentile",
    percentile,
    percentile > 50 && percentile <= 100,
    "a number above 50 and up to 100",
  );
  checkNumber("samples", samples, Number.isInteger(samples) && samples >= 1, "an integer >= 1");
  const inRun = Number.isInteger(delay) && delay >= 0 && delay < steps;
  checkNumber("delay", delay, inRun, `an integer in [0, ${steps}), the steps of this run`);
  checkNumber("freeze", freeze, Number.isInteger(freeze) && freeze >= delay, `an integer >= ${delay}`);
  checkNumber("decay", decay, decay >= 0 && decay < 1, "a number in [0, 1)");
  checkNumber("rangeRate", rangeRate, rangeRate > 0 && Number.isFinite(rangeRate), "a finite number > 0");
  if (!Array.isArray(keepF32)) throw new TypeError("quantize: keepF32: wanted a list of names of layers");
  const method: RangeMethod =
    activations === "percentile" ? { method: activations, percentile } : { method: activations };
  return { ranges, method, samples, delay, freeze, decay, rangeRate, keepF32 };
}

function checkNumber(name: string, value: number, fits: boolean, wanted: string): void {
  if (!fits) throw new RangeError(`quantize: ${name}: wanted ${wanted}, got ${value}`);
}

/** Which part of a value's range its 128 codes cover: outliers cost every other number precision. */

import type { QuantParams } from "../graph/index.js";
import { filledBins, type Statistics } from "./histogram.js";
import { codeOf, paramsOf, type Range, realOf } from "./params.js";

/**
 * min-max: all that calibration saw. percentile: all but the outermost (100 - p) % on each side. mse:
 * the range of the least mean squared error.
 */
export type RangeMethod =
  | { readonly method: "min-max" }
  | { readonly method: "percentile"; readonly percentile: number }
  | { readonly method: "mse" };

/** The u7 parameters of a value. */
export function chooseParams(statistics: Statistics, choice: RangeMethod): QuantParams {
  if (choice.method === "mse") return searchParams(statistics, (x) => x);
  if (choice.method === "percentile") return paramsOf(percentileRange(statistics, choice.percentile));
  return paramsOf({ low: statistics.min, high: statistics.max });
}

/**
 * The range without the outermost (100 - percentile) % of the numbers on each side. With so few
 * numbers that this is less than one of them, it is the whole range.
 *
 * @param percentile in (50, 100]
 */
export function percentileRange(statistics: Statistics, percentile: number): Range {
  const { histogram, width, min, max, count } = statistics;
  const dropped = Math.floor((count * (100 - percentile)) / 100);
  const half = histogram.length / 2;
  let first = 0;
  for (let seen = histogram[0]; seen <= dropped; seen += histogram[first]) first += 1;
  let last = histogram.length - 1;
  for (let seen = histogram[last]; seen <= dropped; seen += histogram[last]) last -= 1;
  return {
    low: Math.max((first - half) * width, min),
    high: Math.min((last - half + 1) * width, max),
  };
}

const steps = 64;

/**
 * The parameters with the least mean squared error of f(x): what matters of a sigmoid's input is what
 * the sigmoid makes of it.
 *
 * Searches by turns each end of the range in 64 steps, from all of it down to nothing.
 *
 * @param f in f64, finite for finite numbers
 */
export function searchParams(statistics: Statistics, f: (x: number) => number): QuantParams {
  const { middles, counts } = filledBins(statistics);
  const wanted = middles.map(f);
  const errorOf = (range: Range): number => {
    const params = paramsOf(range);
    const made = Float64Array.from({ length: 128 }, (_, code) => f(realOf(code, params)));
    let error = 0;
    for (let i = 0; i < middles.length; i++) {
      const off = made[codeOf(middles[i], params)] - wanted[i];
      error += off * off * counts[i];
    }
    return error;
  };

  let best: Range = { low: Math.min(statistics.min, 0), high: Math.max(statistics.max, 0) };
  const whole = best;
  let least = errorOf(best);
  const consider = (range: Range) => {
    const error = errorOf(range);
    if (error >= least) return;
    least = error;
    best = range;
  };
  // Both ends at once first: alone, neither may gain anything.
  for (let i = 1; i < steps; i++) {
    consider({ low: (whole.low * i) / steps, high: (whole.high * i) / steps });
  }
  for (let turn = 0; turn < 2; turn++) {
    if (whole.high > 0)
      for (let i = 1; i <= steps; i++) consider({ ...best, high: (whole.high * i) / steps });
    if (whole.low < 0) for (let i = 1; i <= steps; i++) consider({ ...best, low: (whole.low * i) / steps });
  }
  return paramsOf(best);
}

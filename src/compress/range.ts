/** Which part of a value's range its 128 codes cover: outliers cost every other number precision. */

import type { QuantParams } from "../graph/index.js";
import { filledBins, type Statistics } from "./histogram.js";
import { codeOf, paramsOf, type Range, realOf } from "./params.js";

/**
 * min-max: all that calibration saw. percentile: all but the outermost (100 - p) % on each side. mse:
 * the range of the least mean squared error. entropy: the range whose codes tell least information from
 * the numbers (Migacz, "8-bit Inference with TensorRT", 2017).
 */
export type RangeMethod =
  | { readonly method: "min-max" }
  | { readonly method: "percentile"; readonly percentile: number }
  | { readonly method: "mse" }
  | { readonly method: "entropy" };

/** The u7 parameters of a value. */
export function chooseParams(statistics: Statistics, choice: RangeMethod): QuantParams {
  if (choice.method === "mse") return searchParams(statistics, (x) => x);
  if (choice.method === "entropy") return entropyParams(statistics);
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

  return paramsOf(searchRange(wholeRange(statistics), errorOf));
}

function wholeRange({ min, max }: Statistics): Range {
  return { low: Math.min(min, 0), high: Math.max(max, 0) };
}

/** The range within `whole` of the least cost: each end in 64 steps, both at once and then by turns. */
function searchRange(whole: Range, costOf: (range: Range) => number): Range {
  let best = whole;
  let least = costOf(best);
  const consider = (range: Range) => {
    const cost = costOf(range);
    if (cost >= least) return;
    least = cost;
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
  return best;
}

/**
 * The parameters of the least Kullback-Leibler divergence between the numbers, those outside of the range
 * moved to its ends, and what their codes say of them: each code's numbers spread evenly over its bins.
 */
function entropyParams(statistics: Statistics): QuantParams {
  const whole = wholeRange(statistics);
  const { middles, counts } = coarseBins(statistics, whole);
  return paramsOf(searchRange(whole, (range) => divergenceOf(middles, counts, paramsOf(range))));
}

/**
 * Eight bins to a code of the whole range: finer ones tell how few numbers there are, not how they lie. The
 * zeros of a relu, which any range has a code for, are left out: they would be most of the numbers.
 */
function coarseBins(statistics: Statistics, { low, high }: Range) {
  const size = (high - low) / 1024 || 1;
  const sums = new Map<number, number>();
  const { middles, counts } = filledBins(statistics);
  middles.forEach((x, i) => {
    const bin = Math.floor(x / size);
    if (Math.abs(x) > statistics.width) sums.set(bin, (sums.get(bin) ?? 0) + counts[i]);
  });
  const bins = [...sums.keys()].sort((a, b) => a - b);
  return {
    middles: Float64Array.from(bins, (bin) => Math.min(Math.max((bin + 0.5) * size, low), high)),
    counts: Float64Array.from(bins, (bin) => sums.get(bin) as number),
  };
}

function divergenceOf(middles: Float64Array, counts: Float64Array, params: QuantParams): number {
  // Of each code: what is in it, what of that was within the range, and over how many bins.
  const all = new Float64Array(128);
  const within = new Float64Array(128);
  const bins = new Float64Array(128);
  const [low, high] = [realOf(0, params), realOf(127, params)];
  const half = params.scale / 2;
  const codes = Uint8Array.from(middles, (x) => codeOf(x, params));
  const isInside = (x: number) => x >= low - half && x <= high + half;
  middles.forEach((x, i) => {
    all[codes[i]] += counts[i];
    if (!isInside(x)) return;
    within[codes[i]] += counts[i];
    bins[codes[i]] += 1;
  });
  const total = counts.reduce((sum, count) => sum + count, 0);
  const kept = within.reduce((sum, count) => sum + count, 0);
  if (kept === 0) return Infinity;
  let divergence = 0;
  // Numbers moved to a code that has none of its own: as if one in a million had been there.
  all.forEach((count, code) => {
    if (count > 0 && within[code] === 0) divergence += (count / total) * Math.log(1e6 * (count / total) + 1);
  });
  middles.forEach((x, i) => {
    if (!isInside(x)) return;
    const code = codes[i];
    const p = (counts[i] * all[code]) / within[code] / total;
    const q = within[code] / bins[code] / kept;
    divergence += p * Math.log(p / q);
  });
  return divergence;
}

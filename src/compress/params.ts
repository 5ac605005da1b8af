/** u7 parameters from a range of real numbers. */

import type { QuantParams } from "../graph/index.js";

export interface Range {
  readonly low: number;
  readonly high: number;
}

const smallestScale = 2 ** -126;
const largestScale = 3.4028234663852886e38;

/**
 * The u7 parameters that cover a range and 0 with the smallest scale.
 *
 * Real 0 gets a code of its own, so one side of the range may be covered with room to spare. A range
 * that is {0} gets the scale 1/127: nothing is known of it, and [0, 1] is as good as any.
 *
 * @param range low <= high, finite
 * @returns scale a normal f32 (rounded up to one), zero an integer in [0, 127]
 */
export function paramsOf(range: Range): QuantParams {
  const low = Math.min(range.low, 0);
  const high = Math.max(range.high, 0);
  if (low === 0 && high === 0) return { scale: Math.fround(1 / 127), zero: 0 };
  // At most 126: rounding may hide a short end of the range.
  const below = Math.min(Math.floor((-low / (high - low)) * 127), 126);
  // + 0: a file says 0 of a zero point of -0.
  const candidates = [below + 0, below + 1].map((zero) => ({ scale: scaleFor(low, high, zero), zero }));
  const [first, second] = candidates;
  return first.scale <= second.scale ? first : second;
}

function scaleFor(low: number, high: number, zero: number): number {
  const below = low < 0 ? -low / zero : 0;
  const above = high > 0 ? high / (127 - zero) : 0;
  // 0 codes for a side that has numbers: Infinity, which the other candidate beats.
  const scale = Math.max(below, above);
  return scale === Infinity ? Infinity : Math.min(Math.max(roundUp(scale), smallestScale), largestScale);
}

/** The smallest f32 that is not below x, so that the range's end is not cut off by rounding. */
function roundUp(x: number): number {
  const near = Math.fround(x);
  return near >= x ? near : Math.fround(x * (1 + 2 ** -23));
}

/** The code of a real number, as f32_u7_quantize has it up to f32 rounding. */
export function codeOf(x: number, { scale, zero }: QuantParams): number {
  return Math.min(Math.max(roundHalfEven(x / scale) + zero, 0), 127);
}

/** The real number of a code. */
export function realOf(code: number, { scale, zero }: QuantParams): number {
  return (code - zero) * scale;
}

export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

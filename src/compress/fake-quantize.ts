/** Real numbers as their codes have them. */

import type { QuantParams } from "../graph/index.js";

// Adding and subtracting it rounds a number below 2^51 to the nearest integer, half to even.
const rounder = 1.5 * 2 ** 52;

/** Rounds numbers to those that u7 codes stand for. @returns an array of its own */
export function fakeQuantize(data: Float32Array, { scale, zero }: QuantParams): Float32Array {
  const [low, high] = [-zero, 127 - zero];
  const codes = 1 / scale;
  const result = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    // The clamp comes first: what is far outside would leave the range in which the sum rounds.
    result[i] = (Math.min(Math.max(data[i] * codes, low), high) + rounder - rounder) * scale;
  }
  return result;
}

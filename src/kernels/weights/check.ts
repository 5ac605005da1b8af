/** What the methods of `Kernels` refuse, in the words they all use. */

import { isA } from "./stream.js";

/** @throws TypeError where it is no Float32Array */
export function checkWeights(w: unknown, name = "w"): asserts w is Float32Array {
  if (!isA(w, "Float32Array")) throw new TypeError(`${name}: wanted a Float32Array, got ${describe(w)}`);
}

/** @throws TypeError where it is no number, RangeError where it is no integer of [low, high] */
export function checkInteger(
  name: string,
  value: unknown,
  low: number,
  high: number,
): asserts value is number {
  checkNumber(name, value);
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`${name}: wanted an integer in [${low}, ${high}], got ${value}`);
  }
}

/** @throws TypeError where it is no number, RangeError where it is not in [0, 1] */
export function checkShare(name: string, value: unknown): asserts value is number {
  checkNumber(name, value);
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${name}: wanted a share in [0, 1], got ${value}`);
}

/** @throws TypeError where it is no number */
export function checkNumber(name: string, value: unknown): asserts value is number {
  if (typeof value !== "number") throw new TypeError(`${name}: wanted a number, got ${describe(value)}`);
}

/** @throws RangeError where it is none of them */
export function checkOneOf(name: string, value: unknown, known: readonly string[]): void {
  if (!known.includes(value as string)) {
    throw new RangeError(`${name}: wanted one of ${known.join(", ")}, got ${String(value)}`);
  }
}

/** @throws RangeError where the last axis does not divide the length */
export function checkChannels(length: number, channels: number, name: string): void {
  if (length % channels !== 0) {
    throw new RangeError(
      `${name}: wanted a number of channels that divides ${length} weights, got ${channels}`,
    );
  }
}

export function describe(value: unknown): string {
  if (value === null || typeof value !== "object") return value === undefined ? "undefined" : typeof value;
  return Object.prototype.toString.call(value).slice(8, -1);
}

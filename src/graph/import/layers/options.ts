/** Options that several layers share: sizes per axis, padding. */

import { describe, type Json, option } from "../json.js";

/**
 * One integer for each of `count` axes, written as a number for all of them or as a list.
 *
 * @throws TypeError, RangeError
 */
export function sizesOption(config: Json, name: string, count: number, initial?: number): readonly number[] {
  const value = option(config, name) ?? initial;
  const sizes = typeof value === "number" ? new Array<unknown>(count).fill(value) : value;
  if (!Array.isArray(sizes) || !sizes.every((size) => Number.isSafeInteger(size))) {
    throw new TypeError(`${describe(config.name)}: ${name} wants integers, got ${describe(value)}`);
  }
  if (sizes.length === count) return sizes;
  throw new RangeError(`${describe(config.name)}: ${name} wants ${count} integers, got ${describe(value)}`);
}

/**
 * Cells before and after each of `count` axes: a number, one for each axis, or a pair for each.
 *
 * @throws TypeError, RangeError
 */
export function framesOption(config: Json, name: string, count: number, initial: number): readonly number[] {
  const value = option(config, name);
  if (Array.isArray(value) && value.some(Array.isArray)) {
    return value.flatMap((pair) => sizesOption({ name: config.name, [name]: pair }, name, 2));
  }
  return sizesOption(config, name, count, initial).flatMap((size) => [size, size]);
}

export type PaddingMode = "valid" | "same" | "causal";

/** @throws RangeError for another word */
export function paddingOption(
  config: Json,
  allowed: readonly PaddingMode[] = ["valid", "same"],
): PaddingMode {
  const value = String(option(config, "padding") ?? "valid").toLowerCase();
  const mode = allowed.find((word) => word === value);
  if (mode) return mode;
  throw new RangeError(`${describe(config.name)}: padding wants ${allowed.join(" or ")}, got ${value}`);
}

/**
 * Cells before and after one axis, so that a window of `size` (dilation counted) fits as `mode` says.
 *
 * "same" has ceil(input / stride) places, and pads more at the end where the cells are odd.
 */
export function resolvePadding(
  mode: PaddingMode,
  input: number,
  size: number,
  stride: number,
): readonly [number, number] {
  if (mode === "valid") return [0, 0];
  if (mode === "causal") return [size - 1, 0];
  const cells = Math.max((Math.ceil(input / stride) - 1) * stride + size - input, 0);
  return [Math.floor(cells / 2), Math.ceil(cells / 2)];
}

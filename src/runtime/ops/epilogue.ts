/** What follows the sums of a product of integers: the numbers that the kernels' epilogues read. */

import type { Node, QuantParams, S8Weight } from "../../graph/index.js";
import { groupsOf4 } from "../../kernels/layouts.js";
import { boundMult, clipTable, leastSums, packPost } from "../../kernels/post.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";
import { activationOf, emitLookUp, emitTable } from "./elementwise.js";

/** Address of i32[groups of 4 * 4], for sums that are `gain` times what they stand for. */
export function biasAt(to: Lowering, node: Node, channels: number, gain = 1): number {
  return to.constants.upload(`${node.weights.bias ?? `zeros/${channels}`}/i32/${gain}`, () => {
    const padded = new Int32Array(groupsOf4(channels) * 4);
    padded.set(to.weight(node, "bias")?.data ?? []);
    return padded.map((value) => value * gain);
  });
}

/**
 * Addresses of the multipliers and of what assembly/post.ts reads, for a result in u7 from sums that are `gain`
 * times what they stand for.
 */
export function requantizeAt(
  to: Lowering,
  node: Node,
  kernel: S8Weight,
  sx: number,
  out: QuantParams,
  gain = 1,
) {
  const table = to.weight(node, "table");
  const inner = table ? preActivation(node) : out;
  const low = table ? 0 : bounds(node, out).low;
  const post = to.constants.upload(`${node.name}/post`, () => packPost({ zero: inner.zero, low }));
  const least = () => {
    const isPart = node.op === "convTranspose2d";
    const bias = to.weight(node, "bias")?.data ?? [];
    return leastSums(kernel.data, kernel.scale.length, bias, isPart).map((sum) => sum * gain);
  };
  return { mult: multipliersAt(to, node, kernel, sx, inner.scale * gain, least), post };
}

/**
 * Address of f32[groups of 4 * 4]: s_x s_w / s_y in f64, rounded once, the same everywhere.
 *
 * @param least the least sum of each output, where an epilogue meets them
 */
export function multipliersAt(
  to: Lowering,
  node: Node,
  kernel: S8Weight,
  sx: number,
  sy: number,
  least?: () => Float64Array,
): number {
  return to.constants.upload(`${node.name}/mult`, () => {
    const padded = new Float32Array(groupsOf4(kernel.scale.length) * 4);
    const sums = least?.();
    kernel.scale.forEach((sw, n) => {
      padded[n] = boundMult((sx * sw) / sy, sums?.[n] ?? 0);
    });
    return padded;
  });
}

function preActivation(node: Node): QuantParams {
  const { preScale, preZero } = node.attrs;
  return { scale: preScale as number, zero: preZero as number };
}

/** Emits what the kernels' epilogues leave to do: the node's table, or an upper bound below the highest code. */
export function finishCodes(to: Lowering, node: Node, y: Buffer): void {
  if (to.weight(node, "table")) {
    emitTable(to, node, y);
    return;
  }
  const { high } = bounds(node, to.codes(node.name));
  if (high < 127) emitLookUp(to, node, y, y, `clip/${high}`, () => clipTable(high));
}

/** A relu is a bound on the codes. @throws RangeError for any other function */
export function bounds(node: Node, out: QuantParams): { readonly low: number; readonly high: number } {
  const fn = activationOf(node, "activation");
  if (fn === "linear") return { low: 0, high: 127 };
  const bound =
    fn === "relu6" ? 6 : ((node.attrs.maxValue as number | undefined) ?? Number.POSITIVE_INFINITY);
  if (fn !== "relu" && fn !== "relu6") throw new RangeError(`${node.name}: ${fn} in u7 wants a table`);
  return { low: out.zero, high: Math.min(127, Math.round(bound / out.scale) + out.zero) };
}

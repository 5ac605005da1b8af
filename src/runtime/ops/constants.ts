/** Constants of nodes, as the f32 kernels want them. */

import { type Node, type UnaryFunctionName, unaryFunctionNames, unaryNumbers } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import { activationOf } from "./elementwise.js";

/** The real numbers of a weight, s8 ones times their scale; undefined where the node has none. */
export function realsOf(to: Lowering, node: Node, role: string): Float32Array | undefined {
  const weight = to.weight(node, role);
  if (weight?.dtype !== "s8") return weight && Float32Array.from(weight.data);
  const { data, scale } = weight;
  return Float32Array.from(data, (code, i) => code * scale[i % scale.length]);
}

/** Address of a weight in f32; of n times `absent` where the node has none. */
export function uploadReals(to: Lowering, node: Node, role: string, n: number, absent: number): number {
  const key = node.weights[role];
  const make = () => realsOf(to, node, role) ?? new Float32Array(n).fill(absent);
  return to.constants.upload(key ? `${key}/reals` : `${n} x ${absent}`, make);
}

/** Address of integers that every node with the same ones shares. */
export function uploadIntegers(
  to: Lowering,
  name: string,
  numbers: readonly number[],
  make: () => Int32Array,
) {
  return to.constants.upload(`${name}/${numbers}`, make);
}

export interface Bounds {
  readonly low: number;
  readonly high: number;
}

export const unbounded: Bounds = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** The bounds that a node's activation is; undefined for one that is more. */
export function boundsOf(node: Node): Bounds | undefined {
  const fn = activationOf(node, "activation");
  if (fn === "linear") return unbounded;
  if (fn === "relu6") return { low: 0, high: 6 };
  if (fn !== "relu") return undefined;
  return { low: 0, high: unaryNumbers(fn, node.attrs).maxValue ?? unbounded.high };
}

/** The number by which kernels know a function. */
export function codeOf(fn: UnaryFunctionName): number {
  return unaryFunctionNames.indexOf(fn);
}

/** What an op of the evaluator works with. */

import type { Node } from "../../../src/graph/index.js";
import { isUnaryFunctionName, unaryFunctions, unaryNumbers } from "../../../src/graph/index.js";

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface Context {
  readonly node: Node;
  readonly inputs: readonly Tensor[];
  /** Of the result, with its batch. */
  readonly shape: readonly number[];
  weight(role: string): Tensor | undefined;
}

export type Row = (context: Context) => Float64Array;

export type Rows = Readonly<Record<string, Row>>;

export function product(sizes: readonly number[]): number {
  return sizes.reduce((size, dim) => size * dim, 1);
}

/** The weight of a role that its op's rule wants. */
export function needed(context: Context, role: string): Tensor {
  const found = context.weight(role);
  if (found) return found;
  throw new Error(`${context.node.name}: no ${role}`);
}

/** A result whose element at each index is what `at` says. */
export function build(
  shape: readonly number[],
  at: (index: readonly number[], i: number) => number,
): Float64Array {
  const data = new Float64Array(product(shape));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = at(index, i);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return data;
}

/** The element at an index; axes of size 1 are read at 0, so that this broadcasts from the right. */
export function read({ shape, data }: Tensor, index: readonly number[]): number {
  let offset = 0;
  for (const [axis, dim] of shape.entries()) {
    const at = index[axis - shape.length + index.length];
    offset = offset * dim + (dim === 1 ? 0 : at);
  }
  return data[offset];
}

/** The function `fn` of every element, in place; its numbers are the node's. */
export function activate(node: Node, fn: unknown, data: Float64Array): Float64Array {
  if (!isUnaryFunctionName(fn)) throw new Error(`${node.name}: ${fn}`);
  const numbers = unaryNumbers(fn, node.attrs);
  return fn === "linear" ? data : data.map((value) => unaryFunctions[fn](value, numbers));
}

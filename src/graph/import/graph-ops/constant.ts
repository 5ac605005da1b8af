/** What a node of a GraphDef reads: a value of the graph, or numbers that are known while importing. */

import { UnsupportedError } from "../../errors.js";
import type { Dim, F32Weight } from "../../types.js";
import type { Builder } from "../builder.js";
import type { NodeDef } from "../graph-def.js";

export interface Constant {
  /** The key of the weight that it becomes where a value is computed with it. */
  readonly key: string;
  readonly shape: readonly number[];
  /** NaN stands for the size of the batch, in what an op Shape made. */
  readonly data: ArrayLike<number>;
  readonly isFloat: boolean;
}

export interface Operand {
  /** Name of a value of the graph. */
  readonly value?: string;
  readonly constant?: Constant;
}

/** A node with what it reads, for its rule. */
export interface Context extends NodeDef {
  readonly operands: readonly Operand[];
  /** The nodes that read it, and undefined for an output of the model. */
  readonly readers: readonly (NodeDef | undefined)[];
  readonly builder: Builder;
}

export interface GraphRule {
  readonly inputs: { readonly min: number; readonly max: number };
  /** It reads constants only: pare has it not for values. */
  readonly ofConstants?: true;
  /** It makes constants only, of values too. */
  readonly makesConstants?: true;
  /** What pare has not of one node, as its attributes show it. */
  unsupported?(node: NodeDef): readonly string[];
  /**
   * @returns one operand for each output
   * @throws UnsupportedError for what only operands show
   */
  add(context: Context): readonly Operand[];
}

export type GraphRules = Readonly<Record<string, GraphRule>>;

export function constantOf(
  key: string,
  shape: readonly number[],
  data: ArrayLike<number>,
  isFloat: boolean,
): Operand {
  return { constant: { key, shape, data, isFloat } };
}

/** The name of the `i`-th operand, which has to be a value. @throws UnsupportedError */
export function valueAt({ op, operands }: Context, i: number): string {
  const value = operands[i]?.value;
  if (value !== undefined) return value;
  throw new UnsupportedError([`${op}: input ${i} constant`]);
}

/** The `i`-th operand, which has to be a constant. @throws UnsupportedError */
export function constantAt({ op, operands }: Context, i: number): Constant {
  const constant = operands[i]?.constant;
  if (constant) return constant;
  throw new UnsupportedError([`${op}: input ${i} not constant`]);
}

/** The numbers of an operand that says sizes or axes. */
export function integersAt(context: Context, i: number): readonly number[] {
  return Array.from(constantAt(context, i).data);
}

/** The shape of the value that is the `i`-th operand. */
export function shapeAt(context: Context, i: number): readonly Dim[] {
  return context.builder.shapeOf(valueAt(context, i));
}

/** The key of a weight with the constant's numbers, under another shape if one is given. */
export function weightOf({ builder }: Context, constant: Constant, shape = constant.shape): string {
  const same = shape === constant.shape;
  const data = constant.data instanceof Float32Array ? constant.data : Float32Array.from(constant.data);
  const weight: F32Weight = { dtype: "f32", shape, data };
  return builder.put(same ? constant.key : `${constant.key}/[${shape}]`, weight);
}

/**
 * An axis counted from the end as one from the start.
 *
 * @throws UnsupportedError for the batch; RangeError for one that there is not
 */
export function sampleAxis({ op, name }: Context, axis: number, rank: number): number {
  const counted = axis < 0 ? axis + rank : axis;
  if (counted === 0) throw new UnsupportedError([`${op}: axis 0, the batch`]);
  if (counted > 0 && counted < rank) return counted;
  throw new RangeError(`node ${name}: wanted an axis from ${-rank} to ${rank - 1}, got ${axis}`);
}

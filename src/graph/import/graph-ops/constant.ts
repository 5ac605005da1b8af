/** What a node of a GraphDef reads: a value of the graph, or numbers that are known while importing. */

import { UnsupportedError } from "../../errors.js";
import type { F32Weight } from "../../types.js";
import type { GraphBuilder } from "../builder.js";
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
  /**
   * For each axis of the tensor that TensorFlow has, the axis of the value: transposes are made when somebody needs
   * them. Without 0 in it the batch, of one, is gone. Absent: the same axes.
   */
  readonly order?: readonly number[];
  readonly constant?: Constant;
  /** For each axis of the tensor how far apart the cells are that one sample of TensorFlow has: see SpaceToBatchND. */
  readonly blocks?: readonly number[];
  /** What a TensorArray or a TensorList holds; undefined where nothing was written yet. */
  readonly list?: readonly (Operand | undefined)[];
}

/** A node with what it reads, for its rule. */
export interface Context extends NodeDef {
  readonly operands: readonly Operand[];
  /** The nodes that read it, and undefined for an output of the model. */
  readonly readers: readonly (NodeDef | undefined)[];
  readonly builder: GraphBuilder;
  /** The batch that all inputs of the model have; absent where it is open. */
  readonly batch: number | undefined;
}

export interface GraphRule {
  readonly inputs: { readonly min: number; readonly max: number };
  /** It reads constants only: pare has it not for values. */
  readonly ofConstants?: true;
  /** It makes constants only, of values too. */
  readonly makesConstants?: true;
  /** Of operands with `blocks` it keeps them, or knows what they mean; absent: it cannot read such. */
  readonly blocks?: "keep" | "take";
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

/** The `i`-th operand, which has to be a constant. @throws UnsupportedError */
export function constantAt({ op, operands }: Context, i: number): Constant {
  const constant = operands[i]?.constant;
  if (constant) return constant;
  throw new UnsupportedError([`${op}: input ${i} not constant`]);
}

/** All operands, if all of them are constants. */
export function constantsOf({ operands }: Context): readonly Constant[] | undefined {
  const constants = operands.map(({ constant }) => constant);
  return constants.every((constant) => constant !== undefined) ? constants : undefined;
}

/** The numbers of an operand that says sizes or axes. */
export function integersAt(context: Context, i: number): readonly number[] {
  return Array.from(constantAt(context, i).data);
}

/** The key of a weight with the constant's numbers, under another shape if one is given. */
export function weightOf({ builder }: Context, constant: Constant, shape = constant.shape): string {
  const same = shape === constant.shape;
  const data = constant.data instanceof Float32Array ? constant.data : Float32Array.from(constant.data);
  const weight: F32Weight = { dtype: "f32", shape, data };
  return builder.put(same ? constant.key : `${constant.key}/[${shape}]`, weight);
}

/** The key of a weight of one number. */
export function numberWeight({ builder }: Context, number: number): string {
  return builder.put(`${number}`, { dtype: "f32", shape: [], data: Float32Array.of(number) });
}

/** An axis counted from the end as one from the start. @throws RangeError for one that there is not */
export function axisOf({ name }: Context, axis: number, rank: number): number {
  const counted = axis < 0 ? axis + rank : axis;
  if (counted >= 0 && counted < rank) return counted;
  throw new RangeError(`node ${name}: wanted an axis from ${-rank} to ${rank - 1}, got ${axis}`);
}

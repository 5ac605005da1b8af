/** What an op says of itself: the whole of what the checks and shape inference need to know. */

import type { AttrValue, Node, Shape, Weight } from "../types.js";

export interface OpRule {
  /** How many values it reads. */
  readonly inputs: { readonly min: number; readonly max: number };
  /** The attributes this node may have; an attribute not listed is refused. */
  attrs(node: Node): AttrRules;
  /** Roles of its weights; a role not listed is refused. */
  readonly weights: Readonly<Record<string, WeightRule>>;
  /**
   * The shape of the value it makes.
   *
   * Weights and attributes have passed their own rules before. `weights` has the shape of each role
   * that is present.
   * @throws RangeError naming what was wanted and got
   */
  shape(node: Node, inputs: readonly Shape[], weights: WeightShapes): Shape;
  /** Refuses what no single attribute or weight shows, such as dtypes that do not go together. */
  check?(node: Node, weights: Readonly<Record<string, Weight>>): void;
  /**
   * Where the u7 parameters that the weight `table` is entered with are written: in the attributes
   * preScale and preZero, or as those of the node's input. Absent: the op has no table.
   */
  readonly tableInput?: "attrs" | "input";
  /**
   * How the value can be made in integers from inputs in u7; absent or undefined: not at all.
   *
   * move: the same codes in other places, with the parameters of all inputs, which are then one; fold:
   * codes with the parameters of the input, such as the largest of some; own: with parameters of its own.
   */
  codes?(node: Node): "move" | "fold" | "own" | undefined;
  /**
   * The largest thing the op lays out besides its result, such as a padded input; absent: nothing.
   *
   * It counts against the memory cap: a stride as large as the padding makes a small result of a huge plane.
   */
  workspace?(node: Node, inputs: readonly Shape[]): Shape;
}

export type WeightShapes = Readonly<Record<string, readonly number[]>>;

export interface WeightRule {
  readonly required: boolean;
  readonly dtypes: readonly Weight["dtype"][];
  /** Absent: any rank. */
  readonly rank?: number;
  /** How many products an s8 weight of this shape adds into one accumulator; absent: it is stored only. */
  readonly depth?: (shape: readonly number[]) => number;
  /** Output channels of an s8 weight of this shape, channel i % channels for element i; absent: the last axis. */
  readonly channels?: (shape: readonly number[]) => number;
}

export type AttrRules = Readonly<Record<string, AttrRule>>;

export interface AttrRule {
  readonly required: boolean;
  /** Ends the sentence "wanted ...". */
  readonly wanted: string;
  valid(value: AttrValue): boolean;
}

export function finiteAttr(required: boolean, wanted = "a finite number"): AttrRule {
  return { required, wanted, valid: (value) => Number.isFinite(value) };
}

export function integerAttr(required: boolean): AttrRule {
  return { required, wanted: "an integer", valid: (value) => Number.isSafeInteger(value) };
}

export const booleanAttr: AttrRule = {
  required: false,
  wanted: "a boolean",
  valid: (value) => typeof value === "boolean",
};

/** A list of integers from `min` on, of `length` where it is given. */
export function integersAttr(min: number, length?: number): AttrRule {
  const valid = (value: AttrValue) =>
    Array.isArray(value) &&
    (length === undefined || value.length === length) &&
    value.every((item) => Number.isSafeInteger(item) && item >= min);
  const from = min === -Infinity ? "" : ` of at least ${min}`;
  return { required: true, wanted: `a list of ${length ?? "any number of"} integers${from}`, valid };
}

/** One of the words. */
export function wordAttr(required: boolean, words: readonly string[]): AttrRule {
  const valid = (value: AttrValue) => typeof value === "string" && words.includes(value);
  return { required, wanted: `one of ${words.join(", ")}`, valid };
}

/** 128 bytes that map u7 to u7; its length and range have codes of their own and are checked for all ops. */
export const tableRule: WeightRule = { required: false, dtypes: ["u7"], rank: 1 };

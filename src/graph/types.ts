/**
 * The model as data: what every other part of pare reads and writes.
 *
 * A graph is plain readonly objects. Values are named; a node's name is the name of the value it
 * makes. `null` in a shape is the batch, always the first dimension and nowhere else.
 */

/** A dimension; `null` is the batch. */
export type Dim = number | null;

export type Shape = readonly Dim[];

/** Constant data of a node. Layouts are those of tfjs: a dense kernel is [in, out]. */
export type Weight = F32Weight | S8Weight | I32Weight | U7Weight;

export interface F32Weight {
  readonly dtype: "f32";
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Symmetric int8 codes in [-127, 127]; real value = code * scale[channel], channel = last axis. */
export interface S8Weight {
  readonly dtype: "s8";
  readonly shape: readonly number[];
  readonly data: Int8Array;
  /** One positive, normal f32 per output channel (the last axis). */
  readonly scale: Float32Array;
}

export interface I32Weight {
  readonly dtype: "i32";
  readonly shape: readonly number[];
  readonly data: Int32Array;
}

/** A look-up table of u7 codes: a unary activation as 128 bytes. */
export interface U7Weight {
  readonly dtype: "u7";
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** How the real numbers of a value are written in u7: x = (q - zero) * scale. */
export interface QuantParams {
  /** Positive, finite, normal f32. */
  readonly scale: number;
  /** Integer in [0, 127]: the code of real 0. */
  readonly zero: number;
}

export type AttrValue = number | string | boolean | readonly number[] | Shape;

export interface Node {
  /** Name of the node and of the value it makes. */
  readonly name: string;
  readonly op: string;
  /** Names of the values it reads. */
  readonly inputs: readonly string[];
  /** Role ("kernel", "bias") to a key of `Graph.weights`. Shared layers share keys. */
  readonly weights: Readonly<Record<string, string>>;
  readonly attrs: Readonly<Record<string, AttrValue>>;
}

export interface GraphInput {
  readonly name: string;
  readonly shape: Shape;
}

export interface GraphOutput {
  /** The key under which `run()` returns it. */
  readonly name: string;
  /** The value it is. */
  readonly value: string;
}

export interface Graph {
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly GraphOutput[];
  /** In an order in which every node follows what it reads. */
  readonly nodes: readonly Node[];
  readonly weights: ReadonlyMap<string, Weight>;
  /**
   * The u7 parameters of the values that the runtime keeps in u7; every other value is f32. A node
   * whose kernel is s8 computes in integers and must read a u7 value; the runtime converts wherever
   * a node reads a value in the other form.
   */
  readonly quant: ReadonlyMap<string, QuantParams>;
}

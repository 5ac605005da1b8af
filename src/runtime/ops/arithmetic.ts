/** Arithmetic, comparisons and masks in f32, with what either side repeats. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";
import { type Bounds, boundsOf, unbounded } from "./constants.js";
import { emitGather, stridesOf } from "./moves.js";

// Numbers of f32_arithmetic.
const functions = "add subtract multiply divide maximum minimum equal greater greaterEqual mask".split(" ");
// What is added to the number where the sides change places, if that changes anything.
const turn = 16;
const symmetric = "add multiply maximum minimum equal".split(" ");

/** How the second operand repeats over rows of n, as f32_arithmetic has it; default: not at all. */
export interface Repeats {
  readonly rows: number;
  readonly n: number;
  /** Words from row to row; default 0. */
  readonly step?: number;
  /** One number a row. */
  readonly isOne?: boolean;
}

type Operand = Buffer | number;

/** @param a, b buffers, or addresses of constants */
export function emitArithmetic(
  to: Lowering,
  node: Node,
  op: string,
  y: Buffer,
  a: Operand,
  b: Operand,
  { rows, n, step = 0, isOne = false }: Repeats,
  { low, high }: Bounds = unbounded,
  isTurned = false,
): void {
  const fn = functions.indexOf(op) + (isTurned && !symmetric.includes(op) ? turn : 0);
  const one = Number(isOne);
  to.emit({
    label: `${node.name}: f32_arithmetic ${op}`,
    reads: [a, b].filter((operand) => typeof operand !== "number"),
    writes: [y],
    bind: (at) => {
      const yAt = at(y);
      const [aAt, bAt] = [a, b].map((operand) => (typeof operand === "number" ? operand : at(operand)));
      return () => to.kernels.f32_arithmetic(yAt, aAt, bAt, rows, n, step, one, fn, low, high);
    },
  });
}

export function lowerArithmetic(to: Lowering, node: Node): void {
  const { batch } = to.options;
  const shape = [batch, ...(to.shape(node.name).slice(1) as number[])];
  const [first, second] = operandsOf(to, node, shape);
  const isFull = (side: Side) => side.shape.every((dim, i) => dim === shape[i]);
  // The kernel repeats its second operand only; the larger side is the first.
  const swaps = !isFull(first) && isFull(second);
  let [a, b] = swaps ? [second, first] : [first, second];
  if (!isFull(a)) a = expanded(to, node, a, shape);
  if (!repeatsOf(shape, b.shape)) b = expanded(to, node, b, shape);
  const repeats = repeatsOf(shape, b.shape) as Repeats;
  const isTurned = swaps !== (node.attrs.operandFirst === true);
  const y = to.define(node.name, "f32");
  emitArithmetic(to, node, node.op, y, a.at, b.at, repeats, boundsOf(node), isTurned);
}

interface Side {
  readonly at: Operand;
  /** Of the result's rank, the batch in front. */
  readonly shape: readonly number[];
}

function operandsOf(to: Lowering, node: Node, shape: readonly number[]): [Side, Side] {
  const side = (at: Operand, batch: number, sample: readonly number[]): Side => ({
    at,
    shape: [batch, ...new Array<number>(shape.length - 1 - sample.length).fill(1), ...sample],
  });
  const value = (name: string) => side(to.f32(name), shape[0], to.shape(name).slice(1) as number[]);
  const [left, right] = node.inputs;
  if (right !== undefined) return [value(left), value(right)];
  const operand = to.weight(node, "operand");
  if (operand?.dtype !== "f32") throw new RangeError(`${node.name}: wanted an operand of f32`);
  const address = to.constants.upload(node.weights.operand, () => operand.data);
  return [value(left), side(address, 1, operand.shape)];
}

/**
 * The repeats of a part over a shape: of its end over rows, of one number over each row, or of one
 * number over all; undefined for any other.
 */
function repeatsOf(shape: readonly number[], part: readonly number[]): Repeats | undefined {
  const places = shape.flatMap((dim, i) => (dim === 1 ? [] : [{ dim, isKept: part[i] === dim }]));
  const turn = places.findIndex(({ isKept }) => isKept !== places[0].isKept);
  const at = turn < 0 ? places.length : turn;
  if (places.slice(at).some(({ isKept }) => isKept === places[0].isKept)) return undefined;
  const size = (from: number, end: number) => places.slice(from, end).reduce((n, { dim }) => n * dim, 1);
  const [rows, n] = [size(0, at), size(at, places.length)];
  const startsKept = places[0]?.isKept ?? true;
  if (turn < 0) return { rows: 1, n: rows, isOne: !startsKept };
  return startsKept ? { rows, n, step: 1, isOne: true } : { rows, n };
}

function expanded(to: Lowering, node: Node, { at, shape }: Side, full: readonly number[]): Side {
  const strides = stridesOf(shape);
  const sources = full.map((dim, axis) =>
    Array.from({ length: dim }, (_, i) => (shape[axis] === 1 ? 0 : i * strides[axis])),
  );
  const y = to.scratch(full.reduce((size, dim) => size * dim, 4));
  emitGather(to, node.name, `${node.name}/${shape}/${full}`, y, at, sources, { rows: 1, step: 0 });
  return { at: y, shape: full };
}

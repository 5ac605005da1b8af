/** Reductions, repetitions and comparisons that tfjs' wasm backend computes a number at a time. */

import * as tf from "@tensorflow/tfjs-core";
import type { Host, KernelCall, KernelFunction, TensorInfo } from "./host.js";

/** `Sum` over the first axes, as every bias has it; tfjs transposes the whole tensor for it. */
export function sumRows(host: Host, own: KernelFunction): KernelFunction {
  return (call) => reduceRows(host, call, () => 1) ?? own(call);
}

/** `Mean` over the first axes, as batch normalization has it. */
export function meanRows(host: Host, own: KernelFunction): KernelFunction {
  return (call) => reduceRows(host, call, (rows) => 1 / rows) ?? own(call);
}

function reduceRows(
  host: Host,
  { inputs: { x }, attrs }: KernelCall,
  scale: (rows: number) => number,
): TensorInfo | undefined {
  const { axis, keepDims } = attrs as { axis: number | number[]; keepDims: boolean };
  const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
  const isLeading = axes.every((value, i) => value === i) && axes.length < x.shape.length;
  const rows = tf.util.sizeFromShape(x.shape.slice(0, axes.length));
  const columns = tf.util.sizeFromShape(x.shape.slice(axes.length));
  if (!isLeading || axes.length === 0 || x.dtype !== "float32" || rows === 0) return undefined;
  const kept = x.shape.slice(axes.length);
  const result = host.output(keepDims ? [...axes.map(() => 1), ...kept] : kept);
  host.kernels.f32_sum_rows(host.address(result), host.address(x), rows, columns, scale(rows));
  return result;
}

/** `GreaterEqual` with a single number, as the gradient of clipping has it. */
export function greaterEqual(host: Host, own: KernelFunction): KernelFunction {
  return (call) => compare(host, call, 0) ?? own(call);
}

/** `LessEqual` with a single number. */
export function lessEqual(host: Host, own: KernelFunction): KernelFunction {
  return (call) => compare(host, call, 1) ?? own(call);
}

function compare(host: Host, { inputs: { a, b } }: KernelCall, less: number): TensorInfo | undefined {
  if (a.dtype !== "float32" || b.dtype !== "float32" || b.shape.length > 0) return undefined;
  const result = host.output(a.shape, "bool");
  const [bound] = new Float32Array(host.heap.memory.buffer, host.address(b), 1);
  const size = tf.util.sizeFromShape(a.shape);
  host.kernels.f32_compare(host.address(result), host.address(a), size, bound, less);
  return result;
}

/** `LogicalAnd` of tensors of one shape. */
export function logicalAnd(host: Host, own: KernelFunction): KernelFunction {
  return (call) => {
    const { a, b } = call.inputs;
    if (!tf.util.arraysEqual(a.shape, b.shape)) return own(call);
    const result = host.output(a.shape, "bool");
    const [y, left, right] = [result, a, b].map(host.address);
    host.kernels.u8_and(y, left, right, tf.util.sizeFromShape(a.shape));
    return result;
  };
}

/** `Tile`: the whole of the gradient of batch normalization is built on it. */
export function tile(host: Host, own: KernelFunction): KernelFunction {
  return (call) => {
    const { x } = call.inputs;
    const reps = call.attrs.reps as number[];
    const size = tf.util.sizeFromShape(x.shape);
    if (x.dtype !== "float32" || reps.length !== x.shape.length || size === 0 || reps.includes(0))
      return own(call);
    const result = host.output(x.shape.map((length, axis) => length * reps[axis]));
    const numbers = new Uint32Array(host.heap.memory.buffer);
    tileAxis(numbers, host.address(result) / 4, host.address(x) / 4, x.shape, reps, 0);
    return result;
  };
}

/** Writes what repeats from `axis` on, and returns how many numbers that is. */
function tileAxis(
  numbers: Uint32Array,
  to: number,
  from: number,
  shape: readonly number[],
  reps: readonly number[],
  axis: number,
): number {
  const inner = tf.util.sizeFromShape(shape.slice(axis));
  if (reps.slice(axis).every((count) => count === 1)) {
    numbers.copyWithin(to, from, from + inner);
    return inner;
  }
  const step = inner / shape[axis];
  let written = 0;
  for (let i = 0; i < shape[axis]; i++) {
    written += tileAxis(numbers, to + written, from + i * step, shape, reps, axis + 1);
  }
  // Each copy doubles what there is.
  const all = written * reps[axis];
  for (let done = written; done < all; done += Math.min(done, all - done)) {
    numbers.copyWithin(to + done, to, to + Math.min(done, all - done));
  }
  return all;
}

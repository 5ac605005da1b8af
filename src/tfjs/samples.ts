/** Training samples, and batches of them as tensors. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { checkData, checkFinite, checkSizes } from "./check-samples.js";
import { product } from "./columns.js";

/** Samples one after the other, already scaled as the model wants them. */
export interface TrainingData {
  /** f32[count, ...the model's input], or its numbers in a row. */
  readonly x: Float32Array | tf.Tensor;
  /**
   * Labels, integers in [0, classes), one a sample, -1 where there is none; or f32[count, ...the model's
   * output]. May be left out where the labels are not learned from.
   */
  readonly y?: Uint8Array | Int32Array | Float32Array | tf.Tensor;
}

export interface Samples {
  readonly count: number;
  /** True where y is labels, handed out as one-hot rows. */
  readonly labelled: boolean;
  /** Samples with an answer in y; 0 where y was left out: its tensors are zeros. */
  readonly answers: number;
  /** New tensors with the samples of these numbers; the caller disposes them. */
  batch(indices: Int32Array): Batch;
}

export interface Batch {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
  /** Samples that have an answer in y. */
  readonly answers: number;
}

/**
 * Checks data against a model of one input and one output.
 *
 * @param model gives the sizes of a sample and of its output
 * @param labelled y is labels
 * @param augment called for every batch, with x and sizes
 * @throws RangeError where sizes do not fit, there are no samples, or a label is outside
 */
export function openSamples(
  model: LayersModel,
  data: TrainingData,
  labelled: boolean,
  augment?: (x: Float32Array, count: number, shape: readonly number[]) => void,
): Samples {
  checkData(data);
  const input = sampleShape(model.inputs, "input");
  const output = sampleShape(model.outputs, "output");
  const x = numbersOf(data.x, "x");
  const y = data.y === undefined ? undefined : numbersOf(data.y, "y");
  const count = countSamples("x", x.length, input);
  checkSizes("x", data.x, count, input);
  checkFinite("x", x, product(input));
  const classes = output.at(-1) as number;
  if (y && labelled) checkLabels(y, count, output, classes);
  else if (y && countSamples("y", y.length, output) !== count) {
    throw new RangeError(`y: wanted ${count} samples as x has, got ${y.length / product(output)}`);
  } else if (y && data.y) {
    checkSizes("y", data.y, count, output);
    checkFinite("y", y, product(output));
  }
  const xSize = product(input);
  const ySize = product(output);
  let xBatch = new Float32Array();
  let yBatch = new Float32Array();

  function batch(indices: Int32Array): Batch {
    const size = indices.length;
    if (xBatch.length < size * xSize) {
      xBatch = new Float32Array(size * xSize);
      yBatch = new Float32Array(size * ySize);
    }
    gather(xBatch, x, indices, xSize);
    const xs = xBatch.subarray(0, size * xSize);
    augment?.(xs, size, input);
    const answers = fillTargets(indices);
    // The wasm backend copies now; cpu keeps the view, which is why a batch is disposed before the next.
    return {
      x: tf.tensor(xs, [size, ...input]),
      y: tf.tensor(yBatch.subarray(0, size * ySize), [size, ...output]),
      answers,
    };
  }

  function fillTargets(indices: Int32Array): number {
    if (!y) return 0;
    if (!labelled) {
      gather(yBatch, y, indices, ySize);
      return indices.length;
    }
    let answers = 0;
    yBatch.fill(0);
    for (let i = 0; i < indices.length; i++) {
      const label = y[indices[i]];
      if (label < 0) continue;
      yBatch[i * classes + label] = 1;
      answers += 1;
    }
    return answers;
  }

  const answers = !y ? 0 : labelled ? countLabels(y) : count;
  return { count, labelled, answers, batch };
}

function countLabels(y: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < y.length; i++) if (y[i] >= 0) count += 1;
  return count;
}

/** Sizes of one sample, the batch left away. */
export function sampleShape(tensors: LayersModel["inputs"], what: string): number[] {
  if (tensors?.length !== 1) {
    throw new RangeError(`model: wanted one ${what}, got ${tensors?.length ?? "none; is it built?"}`);
  }
  const shape = tensors[0].shape.slice(1);
  if (shape.some((size) => size === null)) {
    throw new RangeError(
      `model: wanted an ${what} of known sizes, got [${shape.map((size) => size ?? "?").join(", ")}]`,
    );
  }
  return shape as number[];
}

export function numbersOf<T extends ArrayLike<number>>(
  source: T | tf.Tensor,
  name: string,
): T | Float32Array | Int32Array | Uint8Array {
  if (source instanceof tf.Tensor) return source.dataSync();
  if (!ArrayBuffer.isView(source)) throw new TypeError(`${name}: wanted a typed array or a tensor`);
  return source;
}

export function countSamples(name: string, length: number, shape: readonly number[]): number {
  const count = length / product(shape);
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`${name}: wanted whole samples of [${shape.join(", ")}], got ${length} numbers`);
  }
  return count;
}

function checkLabels(y: ArrayLike<number>, count: number, output: readonly number[], classes: number): void {
  if (output.length !== 1 || classes < 2) {
    throw new RangeError(`labels need a model with one output of [classes], got [${output.join(", ")}]`);
  }
  if (y.length !== count) throw new RangeError(`y: wanted ${count} labels as x has samples, got ${y.length}`);
  for (let i = 0; i < count; i++) {
    if (!(Number.isInteger(y[i]) && y[i] >= -1 && y[i] < classes)) {
      throw new RangeError(
        `y: wanted labels, -1 for none or integers in [0, ${classes}), got ${y[i]} at ${i}`,
      );
    }
  }
}

export function gather(
  target: Float32Array,
  source: Float32Array | Int32Array | Uint8Array,
  indices: Int32Array,
  size: number,
): void {
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i] * size;
    // `set` costs about as much as 16 numbers copied one by one.
    if (size >= 16) target.set(source.subarray(from, from + size), i * size);
    else for (let k = 0; k < size; k++) target[i * size + k] = source[from + k];
  }
}

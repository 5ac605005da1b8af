/** Teachers' values of a whole data set, kept as plain numbers. */

import * as tf from "@tensorflow/tfjs-core";
import { createClock } from "../clock.js";
import { product } from "../columns.js";
import { gather } from "../samples.js";
import type { Teachers, Values } from "./teachers.js";

export interface MemoryOptions {
  /** Bytes that may be kept. */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

const BATCH = 256;

interface Stored {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/**
 * Runs the teachers over all samples once, and has them answer from what they said; where that is more than
 * the limit they are left as they are, and run again for each batch.
 *
 * @param x f32 samples one after the other
 * @param shape of a sample
 * @returns bytes kept, 0 where there was no room
 * @throws the signal's reason when it fires
 */
export async function rememberAll(
  teachers: Teachers,
  x: Float32Array | Int32Array | Uint8Array,
  shape: readonly number[],
  { limit, signal }: MemoryOptions,
): Promise<number> {
  const size = product(shape);
  const count = x.length / size;
  const clock = createClock();
  let stored: readonly Stored[] | undefined;
  for (let from = 0; from < count; from += BATCH) {
    signal?.throwIfAborted();
    const to = Math.min(count, from + BATCH);
    const samples = tf.tensor(x.subarray(from * size, to * size), [to - from, ...shape], "float32");
    try {
      const values = teachers.run(samples);
      try {
        stored ??= reserve(values, count, limit);
        if (!stored) return 0;
        for (const [i, value] of values.entries()) {
          stored[i].data.set(value.dataSync(), from * product(stored[i].shape));
        }
      } finally {
        for (const value of values) value.dispose();
      }
    } finally {
      samples.dispose();
    }
    if (clock.isDue()) await clock.pause();
  }
  const kept = stored as readonly Stored[];
  teachers.remember((indices) => kept.map((one) => take(one, indices)));
  return kept.reduce((bytes, { data }) => bytes + data.byteLength, 0);
}

/** The shapes are known with the first batch: undefined where all samples of them are too much. */
function reserve(values: Values, count: number, limit: number): readonly Stored[] | undefined {
  const shapes = values.map((value) => value.shape.slice(1));
  const bytes = shapes.reduce((sum, shape) => sum + 4 * count * product(shape), 0);
  if (bytes > limit) return undefined;
  return shapes.map((shape) => ({ shape, data: new Float32Array(count * product(shape)) }));
}

function take({ data, shape }: Stored, indices: Int32Array): tf.Tensor {
  const size = product(shape);
  const rows = new Float32Array(indices.length * size);
  gather(rows, data, indices, size);
  return tf.tensor(rows, [indices.length, ...shape]);
}

// Samples and labels held together, cut into batches, and brought to the numbers a model expects.

import type { NumberArray } from "./ndarray.js";
import type { Random } from "./random.js";

/** `count` samples of `sampleShape`, one after the other in `x`, and a label for each. */
export interface Dataset {
  readonly x: Float32Array | Uint8Array;
  readonly y: Uint8Array | Int32Array | Float32Array;
  readonly sampleShape: readonly number[];
}

/** Number of samples; throws RangeError where x and y do not have the same number of them. */
export function sampleCount(dataset: Dataset): number {
  const size = sampleSize(dataset);
  const count = dataset.x.length / size;
  if (count !== dataset.y.length) {
    throw new RangeError(
      `dataset: ${dataset.y.length} labels, x has ${count} samples of [${dataset.sampleShape}]`,
    );
  }
  return count;
}

/** Numbers in one sample. */
export function sampleSize(dataset: Dataset): number {
  return dataset.sampleShape.reduce((product, size) => product * size, 1);
}

/**
 * Copies some samples, in the order given.
 *
 * @param dataset any
 * @param indices of samples, each in [0, count)
 * @returns a new dataset
 * @throws RangeError where an index is outside
 */
export function takeSamples(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const count = sampleCount(dataset);
  const size = sampleSize(dataset);
  const x =
    dataset.x.BYTES_PER_ELEMENT === 1
      ? new Uint8Array(indices.length * size)
      : new Float32Array(indices.length * size);
  const Labels = dataset.y.constructor as new (length: number) => Dataset["y"];
  const labels = new Labels(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i];
    if (!Number.isInteger(from) || from < 0 || from >= count) {
      throw new RangeError(`takeSamples: an index is in [0,${count}), got ${from}`);
    }
    x.set(dataset.x.subarray(from * size, (from + 1) * size), i * size);
    labels[i] = dataset.y[from];
  }
  return { x, y: labels, sampleShape: dataset.sampleShape };
}

/**
 * Walks a dataset once in batches.
 *
 * @param dataset any
 * @param batchSize samples in a batch, at least 1; the last batch holds what is left
 * @param random where given, the order is shuffled by it
 * @returns the batches, each a copy
 */
export function* batchesOf(dataset: Dataset, batchSize: number, random?: Random): Generator<Dataset> {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batchesOf: batchSize is at least 1, got ${batchSize}`);
  }
  const order = Uint32Array.from({ length: sampleCount(dataset) }, (_, i) => i);
  if (random) random.shuffle(order);
  for (let begin = 0; begin < order.length; begin += batchSize) {
    yield takeSamples(dataset, order.subarray(begin, begin + batchSize));
  }
}

/**
 * x * scale + offset, each number rounded once to f32.
 *
 * @param array any numbers, like uint8 pixels
 * @param scale finite; 1/255 brings pixels to [0, 1]
 * @param offset finite
 * @returns a new f32 array of the same length
 */
export function applyScale(array: NumberArray, scale: number, offset: number): Float32Array {
  if (!Number.isFinite(scale) || !Number.isFinite(offset)) {
    throw new RangeError(`applyScale: scale and offset are finite, got ${scale} and ${offset}`);
  }
  const scaled = new Float32Array(array.length);
  for (let i = 0; i < array.length; i++) scaled[i] = array[i] * scale + offset;
  return scaled;
}

/** Mean and standard deviation of each feature (column). */
export interface FeatureStatistics {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/**
 * Measures each feature: do this on training samples only.
 *
 * @param x samples of `features` numbers, one after the other, at least one sample
 * @param features numbers in a sample
 * @returns mean and population deviation a feature
 */
export function measureFeatures(x: NumberArray, features: number): FeatureStatistics {
  const count = x.length / features;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`measureFeatures: ${x.length} numbers are no whole samples of ${features}`);
  }
  const mean = new Float64Array(features);
  const deviation = new Float64Array(features);
  for (let i = 0; i < x.length; i++) mean[i % features] += x[i] / count;
  for (let i = 0; i < x.length; i++) {
    const off = x[i] - mean[i % features];
    deviation[i % features] += (off * off) / count;
  }
  for (let f = 0; f < features; f++) deviation[f] = Math.sqrt(deviation[f]);
  return { mean, deviation };
}

/**
 * (x - mean) / deviation, feature by feature; a feature that never changes becomes 0.
 *
 * @param x samples of as many features as `statistics` has
 * @param statistics from `measureFeatures`
 * @returns a new f32 array of the same length
 */
export function standardize(x: NumberArray, statistics: FeatureStatistics): Float32Array {
  const { mean, deviation } = statistics;
  if (x.length % mean.length !== 0) {
    throw new RangeError(`standardize: ${x.length} numbers are no whole samples of ${mean.length}`);
  }
  const out = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const f = i % mean.length;
    out[i] = deviation[f] > 0 ? (x[i] - mean[f]) / deviation[f] : 0;
  }
  return out;
}

/** Ranges and histograms of weights. */

import type { Engine } from "../../wasm/index.js";
import type { TrainKernel } from "../train-set.js";
import { checkChannels, checkInteger, checkNumber, checkWeights } from "./check.js";
import { longPeriod } from "./quantize.js";
import { locate, stream } from "./stream.js";
import type { Histogram, HistogramOptions } from "./types.js";

type TrainEngine = Engine<TrainKernel>;

export function absMax({ heap, kernels }: TrainEngine, w: Float32Array): number {
  checkWeights(w);
  let most = 0;
  stream(heap, [{ at: locate(heap, w), reads: true }], (count, [address]) => {
    most = Math.max(most, kernels.f32_abs_max(address, count));
  });
  return most;
}

export function absMaxOfChannels(
  { heap, kernels }: TrainEngine,
  w: Float32Array,
  channels: number,
): Float32Array {
  checkWeights(w);
  checkInteger("channels", channels, 1, 2 ** 31 - 1);
  checkChannels(w.length, channels, "channels");
  const at = locate(heap, w);
  const period = longPeriod(channels, w.length);
  return heap.run((alloc) => {
    const most = alloc(period * 4);
    heap.f32(most, period).fill(0);
    stream(
      heap,
      [{ at, reads: true }],
      (count, [address]) => {
        kernels.f32_abs_max_rows(most, address, count, period);
      },
      period,
    );
    const rows = heap.f32(most, period);
    const result = rows.slice(0, channels);
    for (let i = channels; i < period; i++) result[i % channels] = Math.max(result[i % channels], rows[i]);
    return result;
  });
}

export function minMax(
  { heap, kernels }: TrainEngine,
  w: Float32Array,
): { readonly min: number; readonly max: number } {
  checkWeights(w);
  const at = locate(heap, w);
  return heap.run((alloc) => {
    const range = alloc(8);
    heap.f32(range, 2).set([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    stream(heap, [{ at, reads: true }], (count, [address]) => {
      kernels.f32_min_max(range, address, count);
    });
    const [min, max] = heap.f32(range, 2);
    return { min, max };
  });
}

export function histogram(
  { heap, kernels }: TrainEngine,
  w: Float32Array,
  { bins, low, high }: HistogramOptions,
): Histogram {
  checkWeights(w);
  checkInteger("bins", bins, 1, 2 ** 20);
  checkNumber("low", low);
  checkNumber("high", high);
  const [from, to] = [Math.fround(low), Math.fround(high)];
  const inverse = Math.fround(bins / (to - from));
  // The kernel counts in f32: neither the width of the range nor its inverse may overflow there.
  const fits = Number.isFinite(Math.fround(to - from)) && Number.isFinite(inverse) && inverse > 0;
  if (!(from < to) || !fits) {
    throw new RangeError(`high: wanted a finite number above low, apart in f32, got ${low} to ${high}`);
  }
  const at = locate(heap, w);
  return heap.run((alloc) => {
    const counts = alloc((bins + 3) * 4);
    heap.i32(counts, bins + 3).fill(0);
    stream(heap, [{ at, reads: true }], (count, [address]) => {
      kernels.f32_histogram(counts, address, count, bins, from, to, inverse);
    });
    const all = heap.i32(counts, bins + 3);
    return { counts: all.slice(0, bins), below: all[bins], above: all[bins + 1], nan: all[bins + 2] };
  });
}

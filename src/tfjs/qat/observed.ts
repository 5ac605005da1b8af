/** Ranges that follow what values are: moving averages of each batch's extremes. */

import * as tf from "@tensorflow/tfjs-core";
import { paramsOf } from "../../compress/index.js";
import type { QuantParams } from "../../graph/index.js";
import { fakeQuantize } from "./fake-quantize.js";
import { coveredBy, type LiveRange, type LiveRanges } from "./ranges.js";

/**
 * Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
 * 2018, section 3.1: the mean of many batches' extremes leaves out what is rare.
 *
 * @param decay of the average, in [0, 1)
 */
export function observedRanges(decay: number): LiveRanges {
  const ranges = new Map<string, LiveRange>();
  const params = new Map<string, QuantParams>();
  // Read after the step: a read in its middle would make the device wait.
  const noted: { readonly range: string; readonly min: tf.Tensor; readonly max: tf.Tensor }[] = [];

  function set(range: string, value: LiveRange): void {
    ranges.set(range, value);
    params.set(range, paramsOf({ low: value.min, high: value.max }));
  }

  function forget(): void {
    for (const { min, max } of noted) tf.dispose([min, max]);
    noted.length = 0;
  }

  function move(): void {
    const seen = new Map<string, LiveRange>();
    for (const { range, min, max } of noted) {
      const { min: low, max: high } = seen.get(range) ?? { min: Infinity, max: -Infinity };
      const [first, second] = [min.dataSync()[0], max.dataSync()[0]];
      if (!(Number.isFinite(first) && Number.isFinite(second))) {
        throw new RangeError(`quantize: wanted finite numbers in value ${range}, got NaN or Infinity`);
      }
      seen.set(range, { min: Math.min(low, first), max: Math.max(high, second) });
    }
    forget();
    for (const [range, { min, max }] of seen) {
      const before = ranges.get(range) as LiveRange;
      const mean = (old: number, now: number) => old * decay + now * (1 - decay);
      set(range, { min: mean(before.min, Math.min(min, 0)), max: mean(before.max, Math.max(max, 0)) });
    }
  }

  return {
    paramsOf: (range) => params.get(range) as QuantParams,
    round(range, x) {
      noted.push({ range, min: tf.keep(tf.min(x)), max: tf.keep(tf.max(x)) });
      return fakeQuantize(x, params.get(range) as QuantParams);
    },
    move,
    forget,
    current: (range) => ranges.get(range) as LiveRange,
    begin(first) {
      for (const [range, own] of first) set(range, coveredBy(own));
    },
    get begun() {
      return ranges.size > 0;
    },
    state: () =>
      Object.fromEntries(
        [...ranges].flatMap(([range, { min, max }]) => [
          [`${range}/min`, min],
          [`${range}/max`, max],
        ]),
      ),
    restore(numbers) {
      for (const key of Object.keys(numbers).filter((name) => name.endsWith("/min"))) {
        const range = key.slice(0, -"/min".length);
        set(range, { min: numbers[key], max: numbers[`${range}/max`] });
      }
    },
  };
}

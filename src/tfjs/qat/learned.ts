/** Ranges that are learned: the scale of each value goes down the gradient of the loss. */

import * as tf from "@tensorflow/tfjs-core";
import type { QuantParams } from "../../graph/index.js";
import { fakeQuantize } from "./fake-quantize.js";
import { coveredBy, type LiveRanges } from "./ranges.js";

interface Learned {
  readonly zero: number;
  /** Base-2 logarithm of the scale, with the moments of Adam. */
  log: number;
  mean: number;
  square: number;
  steps: number;
}

const [MEAN_DECAY, SQUARE_DECAY, EPSILON] = [0.9, 0.999, 1e-12];

/**
 * Zero points stay where calibration put them, so that 0 keeps its code. Logarithms, and Adam, because a scale's
 * gradient grows with the number of elements and of codes: Jain et al., "Trained Quantization Thresholds", 2020,
 * section 4 and appendix B.
 *
 * @param rate what a logarithm moves in a step, about; > 0
 */
export function learnedRanges(rate: number): LiveRanges {
  const learned = new Map<string, Learned>();
  const noted: { readonly range: string; readonly gradient: tf.Tensor }[] = [];

  const paramsOf = (range: string): QuantParams => {
    const { log, zero } = learned.get(range) as Learned;
    return { scale: Math.fround(2 ** log), zero };
  };

  function forget(): void {
    for (const { gradient } of noted) gradient.dispose();
    noted.length = 0;
  }

  function move(): void {
    const gradients = new Map<string, number>();
    for (const { range, gradient } of noted) {
      gradients.set(range, (gradients.get(range) ?? 0) + gradient.dataSync()[0]);
    }
    forget();
    for (const [range, gradient] of gradients) {
      if (!Number.isFinite(gradient)) {
        throw new RangeError(`quantize: wanted a finite gradient of the scale of ${range}, got ${gradient}`);
      }
      const own = learned.get(range) as Learned;
      own.steps += 1;
      own.mean = MEAN_DECAY * own.mean + (1 - MEAN_DECAY) * gradient;
      own.square = SQUARE_DECAY * own.square + (1 - SQUARE_DECAY) * gradient * gradient;
      const mean = own.mean / (1 - MEAN_DECAY ** own.steps);
      const square = own.square / (1 - SQUARE_DECAY ** own.steps);
      own.log = Math.min(Math.max(own.log - (rate * mean) / (Math.sqrt(square) + EPSILON), -100), 100);
    }
  }

  return {
    paramsOf,
    round: (range, x) =>
      fakeQuantize(x, paramsOf(range), (gradient) => noted.push({ range, gradient: tf.keep(gradient) })),
    move,
    forget,
    current: (range) => coveredBy(paramsOf(range)),
    begin(first) {
      for (const [range, { scale, zero }] of first) {
        learned.set(range, { zero, log: Math.log2(scale), mean: 0, square: 0, steps: 0 });
      }
    },
    get begun() {
      return learned.size > 0;
    },
    state: () =>
      Object.fromEntries(
        [...learned].flatMap(([range, own]) =>
          Object.entries(own).map(([name, value]) => [`${range}/${name}`, value]),
        ),
      ),
    restore(numbers) {
      for (const key of Object.keys(numbers).filter((name) => name.endsWith("/zero"))) {
        const range = key.slice(0, -"/zero".length);
        const of = (name: keyof Learned) => numbers[`${range}/${name}`];
        const [zero, log, mean, square, steps] = [
          of("zero"),
          of("log"),
          of("mean"),
          of("square"),
          of("steps"),
        ];
        learned.set(range, { zero, log, mean, square, steps });
      }
    },
  };
}

/** Quantization-aware training: steps see the weights and values that the runtime would have. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { activationFunction, type Ranges } from "../../compress/index.js";
import type { PartState, StepPart } from "../step.js";
import { type Blueprint, drawBlueprint } from "./blueprint.js";
import { learnedRanges } from "./learned.js";
import { observedRanges } from "./observed.js";
import { type QuantizeTrainingOptions, readQuantizeOptions } from "./options.js";
import { Calibration } from "./ranges.js";
import { runRounded } from "./rounded.js";
import { listSamples } from "./sample-list.js";

export interface Quantizing extends StepPart {
  /** As `compress` takes them; those that training ends with, once it has. */
  ranges(): Ranges;
}

/** Samples that calibration runs at a time. */
const BATCH = 64;

/**
 * Prepares the quantization of a run.
 *
 * @param model one input of known sizes; its weights may be any, but not all alike
 * @param x training samples
 * @param options true for the defaults
 * @param steps of the whole run
 * @throws UnsupportedError, RangeError for a model that pare cannot run or whose values in codes layers do not show
 */
export async function quantizing(
  model: LayersModel,
  x: Float32Array | tf.Tensor,
  options: true | QuantizeTrainingOptions,
  steps: number,
): Promise<Quantizing> {
  const settings = readQuantizeOptions(options, steps);
  const { delay, freeze } = settings;
  const samples = listSamples(model, x);
  const blueprint = await drawBlueprint(model, samples, settings.keepF32);
  const live =
    settings.ranges === "learned" ? learnedRanges(settings.rangeRate) : observedRanges(settings.decay);

  function calibrate(): void {
    const calibration = new Calibration();
    const note = (range: string, value: tf.Tensor) => {
      calibration.add(range, value);
      return value;
    };
    const numbers = samples.spread(settings.samples);
    const size = (numbers.length / Math.min(settings.samples, samples.count)) * BATCH;
    for (let from = 0; from < numbers.length; from += size) {
      tf.tidy(() => {
        const batch = samples.tensor(numbers.subarray(from, from + size));
        runRounded(blueprint, { round: note }, () => model.apply(batch, { training: false }));
      });
    }
    live.begin(calibration.choose(settings.method, tableFunctions(blueprint)));
  }

  return {
    name: "quantize",
    restore: ({ numbers: saved }: PartState) => live.restore(saved ?? {}),
    before(step) {
      if (step >= delay && !live.begun) calibrate();
    },
    around(forward) {
      if (!live.begun) return forward();
      live.forget();
      return runRounded(blueprint, live, forward);
    },
    after(step) {
      if (step < freeze) live.move();
      else live.forget();
    },
    settled: (step) => step >= delay,
    state: () => ({ numbers: live.state() }),
    dispose: () => live.forget(),
    ranges() {
      const named = [...blueprint.ranges].flatMap(([range, names]) =>
        names.map((name) => [name, live.current(range)] as const),
      );
      return live.begun ? Object.fromEntries(named) : {};
    },
  };
}

/** By range of a product: what its activation makes of it. */
function tableFunctions({ plan, products }: Blueprint): ReadonlyMap<string, (x: number) => number> {
  const nodes = new Map(plan.graph.nodes.map((node) => [node.name, node]));
  return new Map(
    [...products].flatMap(([layer, product]) => {
      const node = nodes.get(layer);
      return node ? [[product, activationFunction(node)]] : [];
    }),
  );
}

/** Whether the inputs of a graph bear to be rounded to 7 bits: measured, before anything else is rounded. */

import type { Graph } from "../graph/index.js";
import type { OpenRunner, Samples } from "./calibrate.js";
import { StatisticsBuilder } from "./histogram.js";
import { codeOf, realOf } from "./params.js";
import { chooseParams } from "./range.js";
import { ofValue, type RangeChoice } from "./range-choice.js";
import { inputLayers, splitInputs } from "./two-planes.js";

export interface InputErrorOptions {
  readonly samples: Samples;
  readonly open: OpenRunner;
  readonly ranges: RangeChoice;
  readonly keepF32?: ReadonlySet<string>;
  /** The largest relative error of outputs that 7 bits of an input may make; default: any. */
  readonly inputError?: number;
}

/** A few samples tell whether inputs bear to be rounded. */
export const fewSamples = 32;

/**
 * Inputs in two planes where rounding them to 7 bits moves an output by more than the share allowed.
 *
 * @returns the graph, and the names of the layers that read two planes
 */
export async function withPlanes(
  graph: Graph,
  options: InputErrorOptions,
): Promise<{ readonly graph: Graph; readonly split: readonly string[] }> {
  const limit = options.inputError ?? Infinity;
  const layers = inputLayers(graph).filter(({ name }) => !options.keepF32?.has(name));
  if (layers.length === 0 || limit === Infinity) return { graph, split: [] };
  const names = [...new Set(layers.map(({ inputs }) => inputs[0]))];
  const samples = firstSamples(options.samples, fewSamples);
  const outputs = [...new Set(graph.outputs.map(({ value }) => value))];
  const runner = options.open(graph, outputs);
  try {
    const resultsOf = (inputs: Samples["inputs"]) => {
      runner.run(inputs);
      return outputs.map((value) => runner.value(value));
    };
    const wanted = resultsOf(samples.inputs);
    const steps = new Map<string, number>();
    for (const name of names) {
      const builder = new StatisticsBuilder(name, 1);
      builder.add(options.samples.inputs[name]);
      const params = chooseParams(builder.finish(), ofValue(options.ranges));
      const rounded = samples.inputs[name].map((x) => realOf(codeOf(x, params), params));
      const got = resultsOf({ ...samples.inputs, [name]: rounded });
      const worst = Math.max(...got.map((values, i) => relativeError(values, wanted[i])));
      if (worst <= limit) continue;
      for (const node of layers) if (node.inputs[0] === name) steps.set(node.name, params.scale);
    }
    return { graph: splitInputs(graph, steps), split: [...steps.keys()] };
  } finally {
    runner.dispose();
  }
}

export function firstSamples({ count, inputs }: Samples, most: number): Samples {
  const some = Math.min(count, most);
  const part = ([name, data]: [string, Float32Array]) => [
    name,
    data.subarray(0, (data.length / count) * some),
  ];
  return { count: some, inputs: Object.fromEntries(Object.entries(inputs).map(part)) };
}

/** Root of the squared error over that of the squares. */
export function relativeError(got: Float32Array, wanted: Float32Array): number {
  let [error, power] = [0, 0];
  wanted.forEach((value, i) => {
    error += (got[i] - value) ** 2;
    power += value ** 2;
  });
  return power === 0 ? 0 : Math.sqrt(error / power);
}

/** How near the outputs of an int8 graph are to those of f32. */

import { type Graph, inferShapes, type Shape, sizeOf } from "../../graph/index.js";
import type { OpenRunner, Samples } from "../calibrate.js";
import { spreadSamples } from "../some-samples.js";

/** One output of int8 against f32, over the samples of a check. */
export interface OutputFidelity {
  /** Of the output. */
  readonly name: string;
  /** Of all its numbers as one vector; 1 is the same direction. */
  readonly cosine: number;
  /** Root of the squared error over that of the squares; 0 is equal. */
  readonly relativeRms: number;
  /** The same and the uncertainty that so few samples leave: one standard error, by the jackknife. */
  readonly upperRms: number;
  /**
   * Relative RMS error of the log-odds of scores (a softmax or a sigmoid), in which a sure answer does not hide what is
   * behind it; absent of other outputs.
   */
  readonly logOddsRms?: number;
  /** Largest error of one number. */
  readonly largestError: number;
  /** Part of the samples whose largest number is the same; absent where an output is no row of several numbers. */
  readonly agreement?: number;
  /**
   * Set for a single score between 0 and 1 that is nearly the same for all samples: there is nothing to be near to, and its
   * relative error is that of noise.
   */
  readonly isConstant?: true;
}

/** The outputs of a graph by their values, for all samples. */
export type Outputs = ReadonlyMap<string, Float32Array>;

/** Elements that the values of one batch may have together. */
const batchElements = 2 ** 24;

/** Runs a graph over samples. */
export function outputsOf(graph: Graph, { count, inputs }: Samples, open: OpenRunner): Outputs {
  const shapes = inferShapes(graph);
  const elements = [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
  const batch = Math.min(Math.max(Math.floor(batchElements / elements), 1), count);
  const results = new Map(
    graph.outputs.map(({ name, value }) => {
      const size = sizeOf(shapes.get(value) as Shape);
      return [name, { value, size, data: new Float32Array(size * count) }] as const;
    }),
  );
  const runner = open(graph, [...new Set(graph.outputs.map(({ value }) => value))]);
  try {
    for (let from = 0; from < count; from += batch) {
      const to = Math.min(from + batch, count);
      const part = Object.entries(inputs).map(([name, data]) => {
        const size = data.length / count;
        return [name, data.subarray(from * size, to * size)] as const;
      });
      runner.run(Object.fromEntries(part));
      for (const { value, size, data } of results.values()) data.set(runner.value(value), from * size);
    }
  } finally {
    runner.dispose();
  }
  return new Map([...results].map(([name, { data }]) => [name, data]));
}

/** Samples that tell what a change of a graph does to its outputs. */
const fewSamples = 32;

/** Compares the outputs of two graphs that have the same. */
export function compareGraphs(
  wanted: Graph,
  got: Graph,
  samples: Samples,
  open: OpenRunner,
): readonly OutputFidelity[] {
  const some = spreadSamples(samples, fewSamples);
  return compareOutputs(wanted, outputsOf(wanted, some, open), outputsOf(got, some, open), some.count);
}

/**
 * Compares all outputs.
 *
 * @param graph whose outputs these are
 * @param samples how many
 */
export function compareOutputs(
  graph: Graph,
  wanted: Outputs,
  got: Outputs,
  samples: number,
): readonly OutputFidelity[] {
  const shapes = inferShapes(graph);
  return graph.outputs.map(({ name, value }) => {
    const [a, b] = [wanted, got].map((all) => all.get(name) as Float32Array);
    const shape = shapes.get(value) as Shape;
    const columns = shape.length === 2 ? (shape[1] as number) : 1;
    return {
      name,
      ...compareAll(a, b, samples),
      ...logOddsError(scoresOf(graph, value), a, b, shape.at(-1) as number),
      ...(columns > 1 && { agreement: agreementOf(a, b, columns) }),
      ...(scoresOf(graph, value) === "sigmoid" && isConstant(a, samples) && { isConstant: true as const }),
    };
  });
}

function compareAll(wanted: Float32Array, got: Float32Array, samples: number) {
  const size = wanted.length / samples;
  const errors = new Float64Array(samples);
  const powers = new Float64Array(samples);
  let [product, gotPower, largestError] = [0, 0, 0];
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(got[i] - wanted[i]);
    const sample = Math.floor(i / size);
    errors[sample] += error * error;
    powers[sample] += wanted[i] * wanted[i];
    product += got[i] * wanted[i];
    gotPower += got[i] * got[i];
    if (error > largestError) largestError = error;
  }
  const sum = (numbers: Float64Array) => numbers.reduce((total, each) => total + each, 0);
  const [error, power] = [sum(errors), sum(powers)];
  const relativeRms = rootRatio(error, power);
  const without = errors.map((each, i) => rootRatio(error - each, power - powers[i]));
  const mean = sum(without) / samples;
  const spread =
    samples < 2 ? 0 : Math.sqrt((sum(without.map((r) => (r - mean) ** 2)) * (samples - 1)) / samples);
  const length = Math.sqrt(power * gotPower);
  // Two vectors of zeros are the same.
  const cosine = length > 0 ? product / length : error === 0 ? 1 : 0;
  return { cosine, relativeRms, upperRms: relativeRms + spread, largestError };
}

function rootRatio(error: number, power: number): number {
  if (power > 0) return Math.sqrt(Math.max(error, 0) / power);
  return error > 0 ? Number.POSITIVE_INFINITY : 0;
}

function agreementOf(wanted: Float32Array, got: Float32Array, columns: number): number {
  const rows = wanted.length / columns;
  let same = 0;
  for (let row = 0; row < rows; row++) {
    if (largestIn(wanted, row * columns, columns) === largestIn(got, row * columns, columns)) same += 1;
  }
  return same / rows;
}

function largestIn(numbers: Float32Array, from: number, length: number): number {
  let best = 0;
  for (let i = 1; i < length; i++) if (numbers[from + i] > numbers[from + best]) best = i;
  return best;
}

/** The function that makes scores of a value; undefined of one that is none. */
function scoresOf(graph: Graph, value: string): "sigmoid" | "softmax" | undefined {
  const maker = graph.nodes.find(({ name }) => name === value);
  const made = [maker?.op, maker?.attrs.activation, maker?.attrs.fn];
  return (["sigmoid", "softmax"] as const).find((name) => made.includes(name));
}

function logOddsError(
  scores: "sigmoid" | "softmax" | undefined,
  wanted: Float32Array,
  got: Float32Array,
  columns: number,
): { readonly logOddsRms?: number } {
  if (scores === undefined) return {};
  const [a, b] = [wanted, got].map((all) => logOdds(scores, all, columns));
  let [error, power] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    error += (b[i] - a[i]) ** 2;
    power += a[i] * a[i];
  }
  return { logOddsRms: rootRatio(error, power) };
}

/** Scores below it are as good as none: what they are exactly is beyond f32 and of no use. */
const noScore = 1e-3;

/** Log-odds of a sigmoid; of a softmax the logarithms of each row without their mean. */
function logOdds(scores: "sigmoid" | "softmax", all: Float32Array, columns: number): Float32Array {
  const log = (score: number) => Math.log(Math.max(score, noScore));
  if (scores === "sigmoid") return all.map((score) => log(score) - log(1 - score));
  const logs = all.map(log);
  for (let from = 0; from < logs.length; from += columns) {
    const row = logs.subarray(from, from + columns);
    const mean = row.reduce((sum, each) => sum + each, 0) / columns;
    for (let c = 0; c < columns; c++) row[c] -= mean;
  }
  return logs;
}

/** A score that moves by less than this says the same of all samples. */
const noise = 0.01;

function isConstant(scores: Float32Array, samples: number): boolean {
  return scores.length === samples && Math.max(...scores) - Math.min(...scores) <= noise;
}

/** Runs a graph over the calibration samples and gathers what its values were. */

import { type Graph, inferShapes, type Shape, sizeOf } from "../graph/index.js";
import { type Statistics, StatisticsBuilder } from "./histogram.js";
import { pause } from "./pause.js";

/** What runs a graph: the runtime's `Model` is one. This folder knows graphs and arrays alone. */
export interface Runner {
  /** @returns outputs by name, in arrays that the next run writes again */
  run(inputs: Readonly<Record<string, Float32Array>>): Readonly<Record<string, Float32Array>>;
  /** A kept value of the last run, in f32. */
  value(name: string): Float32Array;
  dispose(): void;
}

export type OpenRunner = (graph: Graph, keep: readonly string[]) => Runner;

/** Samples by input name, all of the same count. */
export interface Samples {
  readonly count: number;
  readonly inputs: Readonly<Record<string, Float32Array>>;
}

export interface CollectOptions {
  readonly open: OpenRunner;
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with samples done. */
  readonly onBatch?: ((done: number) => void) | undefined;
}

/** Elements that a batch's kept values may have together: 64 MiB of f32. */
const batchElements = 2 ** 24;
const largestBatch = 64;

/**
 * Statistics of values over all samples.
 *
 * @param graph that the runner can run
 * @param values names of values, each once
 * @throws RangeError naming the value that was NaN or infinite; the signal's reason
 */
export async function collectStatistics(
  graph: Graph,
  values: readonly string[],
  samples: Samples,
  { open, signal, onBatch }: CollectOptions,
): Promise<ReadonlyMap<string, Statistics>> {
  const shapes = inferShapes(graph);
  const builders = values.map((name) => {
    return new StatisticsBuilder(name, (shapes.get(name) as Shape).at(-1) ?? 1);
  });
  const elements = [...shapes.values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
  const batch = Math.min(Math.max(Math.floor(batchElements / elements), 1), largestBatch);
  const runner = open(graph, values);
  try {
    for (let from = 0; from < samples.count; from += batch) {
      await pause(signal);
      const to = Math.min(from + batch, samples.count);
      runner.run(slice(samples, from, to));
      for (const builder of builders) builder.add(runner.value(builder.name));
      onBatch?.(to);
    }
  } finally {
    runner.dispose();
  }
  return new Map(builders.map((builder) => [builder.name, builder.finish()]));
}

function slice({ count, inputs }: Samples, from: number, to: number): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, data]) => {
      const size = data.length / count;
      return [name, data.subarray(from * size, to * size)];
    }),
  );
}

/**
 * Calibration data as a caller gives it, checked against the inputs of the graph.
 *
 * @param data numbers by input name; for a graph with one input the numbers alone
 * @param what they are, for messages
 * @returns f32 samples
 * @throws TypeError for what is no array; RangeError for a missing or unknown name, or a length that
 *   is not whole samples
 */
export function readSamples(
  graph: Graph,
  data: ArrayLike<number> | Readonly<Record<string, ArrayLike<number>>>,
  what = "calibration",
): Samples {
  const names = graph.inputs.map(({ name }) => name);
  const named = byName(names, data, what);
  for (const name of Object.keys(named)) {
    if (!names.includes(name)) {
      throw new RangeError(`${what}: wanted inputs ${names.join(", ")}, got ${name}`);
    }
  }
  let count = 0;
  const inputs: Record<string, Float32Array> = {};
  for (const { name, shape } of graph.inputs) {
    if (!Object.hasOwn(named, name)) throw new RangeError(`${what}: input ${name} is missing`);
    const given = named[name];
    if (!isArray(given)) throw new TypeError(`${what}: wanted an array for ${name}, got ${typeof given}`);
    const size = sizeOf(shape);
    const samples = given.length / size;
    if (!Number.isInteger(samples) || samples === 0) {
      throw new RangeError(
        `${what}: ${name}: wanted a multiple of ${size} numbers, at least one sample, got ${given.length}`,
      );
    }
    if (count !== 0 && samples !== count) {
      throw new RangeError(
        `${what}: ${name}: wanted ${count} samples as in the other inputs, got ${samples}`,
      );
    }
    count = samples;
    inputs[name] = given instanceof Float32Array ? given : Float32Array.from(given);
  }
  return { count, inputs };
}

function byName(
  names: readonly string[],
  data: ArrayLike<number> | Readonly<Record<string, ArrayLike<number>>>,
  what: string,
): Readonly<Record<string, ArrayLike<number>>> {
  if (typeof data !== "object" || data === null) {
    throw new TypeError(`${what}: wanted an array, or arrays by input name, got ${typeof data}`);
  }
  if (!isArray(data)) return data as Readonly<Record<string, ArrayLike<number>>>;
  if (names.length !== 1) {
    throw new RangeError(`${what}: wanted arrays by input name (${names.join(", ")}), got one array`);
  }
  return { [names[0]]: data };
}

function isArray(data: unknown): data is ArrayLike<number> {
  return (ArrayBuffer.isView(data) && !(data instanceof DataView)) || Array.isArray(data);
}

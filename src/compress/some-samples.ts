/** Some of the samples, where all of them would take too long or too much memory. */

import { type Graph, inferShapes, sizeOf } from "../graph/index.js";
import type { Samples } from "./calibrate.js";
import { lastReads } from "./node-runner.js";

/** Samples at these places. */
export function takeSamples({ count, inputs }: Samples, places: readonly number[]): Samples {
  const taken = Object.entries(inputs).map(([name, data]) => {
    const size = data.length / count;
    const some = new Float32Array(places.length * size);
    places.forEach((from, to) => {
      some.set(data.subarray(from * size, (from + 1) * size), to * size);
    });
    return [name, some] as const;
  });
  return { count: places.length, inputs: Object.fromEntries(taken) };
}

/** At most so many samples, evenly spread over all: sets are often sorted by class. */
export function spreadSamples(samples: Samples, most: number): Samples {
  const { count } = samples;
  if (count <= most) return samples;
  return takeSamples(
    samples,
    Array.from({ length: most }, (_, i) => Math.floor(((i + 0.5) * count) / most)),
  );
}

/** A walk takes this many samples where they are large, and more where all their values together are few. */
const enoughSamples = 16;
const mostSamples = 512;
const fewNumbers = 2 ** 24;
/** Numbers of f32 and int8 side by side: 1 GiB. */
const mostNumbers = 2 ** 28;

/** Samples whose values a walk through a graph can hold all at once. */
export function samplesThatFit(graph: Graph, samples: Samples): Samples {
  const shapes = inferShapes(graph);
  const sizes = new Map([...shapes].map(([name, shape]) => [name, sizeOf(shape)]));
  const last = lastReads(graph.nodes);
  let [live, peak] = [graph.inputs.reduce((sum, { name }) => sum + (sizes.get(name) as number), 0), 0];
  graph.nodes.forEach((node, i) => {
    live += sizes.get(node.name) as number;
    peak = Math.max(peak, live);
    for (const value of new Set([...node.inputs, node.name])) {
      if ((last.get(value) ?? -1) <= i) live -= sizes.get(value) as number;
    }
  });
  // Four of each: real, seen, as codes, and one being made.
  const fit = Math.max(Math.floor(mostNumbers / (4 * peak)), 1);
  const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const cheap = Math.min(Math.max(Math.floor(fewNumbers / all), enoughSamples), mostSamples);
  return spreadSamples(samples, Math.min(fit, cheap));
}

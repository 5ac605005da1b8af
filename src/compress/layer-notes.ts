/** Layers by name: those that a caller names, and what is said of each. */

import { fuseResidual, type Graph, type Node, soleConsumers } from "../graph/index.js";

/**
 * The layers of these names. A convolution also goes by the name of the sum that it takes in where all is f32.
 *
 * @throws RangeError for a name that no layer with a kernel has
 */
export function namesOf(graph: Graph, names: readonly string[]): ReadonlySet<string> {
  const layers = graph.nodes.filter(({ weights }) => weights.kernel !== undefined).map(({ name }) => name);
  const fused = new Set(fuseResidual(graph).nodes.map(({ name }) => name));
  const sums = soleConsumers(graph);
  const bySum = new Map(
    layers.filter((name) => !fused.has(name)).map((name) => [(sums.get(name) as Node).name, name]),
  );
  const own = names.map((name) => {
    const layer = layers.includes(name) ? name : bySum.get(name);
    if (layer !== undefined) return layer;
    throw new RangeError(`keepF32: wanted names of layers (${layers.join(", ")}), got ${name}`);
  });
  return new Set(own);
}

export function joinNotes(...all: readonly ReadonlyMap<string, string>[]): ReadonlyMap<string, string> {
  const joined = new Map<string, string>();
  for (const [name, note] of all.flatMap((notes) => [...notes])) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? note : `${before}; ${note}`);
  }
  return joined;
}

/** Layers by name: those that a caller names, and what is said of each. */

import type { Graph } from "../graph/index.js";

/** @throws RangeError for a name that no layer with a kernel has */
export function namesOf(graph: Graph, names: readonly string[]): ReadonlySet<string> {
  const layers = graph.nodes.filter(({ weights }) => weights.kernel !== undefined).map(({ name }) => name);
  const unknown = names.find((name) => !layers.includes(name));
  if (unknown === undefined) return new Set(names);
  throw new RangeError(`keepF32: wanted names of layers (${layers.join(", ")}), got ${unknown}`);
}

export function joinNotes(...all: readonly ReadonlyMap<string, string>[]): ReadonlyMap<string, string> {
  const joined = new Map<string, string>();
  for (const [name, note] of all.flatMap((notes) => [...notes])) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? note : `${before}; ${note}`);
  }
  return joined;
}

/** Names of values and weights for a header: each written as what it does not share with the one before it. */

import { freshName, type Graph } from "../graph/index.js";
import { maxShared } from "./lean-json.js";

export interface Names {
  /** Of the inputs, then of the nodes. */
  readonly values: readonly string[];
  /** Of weights whose name is not that of their first node, a slash and the role; by their place among the weights. */
  readonly keys: ReadonlyMap<number, string>;
}

/** All as they are. */
export function exactNames(graph: Graph): Names {
  const values = [...graph.inputs, ...graph.nodes].map(({ name }) => name);
  return { values, keys: keysUnlike(graph, derivedKeys(graph, values)) };
}

/**
 * Shorter ones: weights are called after the nodes that read them, and of a node's name no more than `limit` characters
 * stay, the last ones, from a slash on if there is one. Inputs and outputs of the graph keep theirs.
 */
export function shortNames(graph: Graph, limit: number): Names {
  const outputs = new Set(graph.outputs.map(({ value }) => value));
  const whole = [
    ...graph.inputs,
    ...graph.nodes.filter(({ name }) => outputs.has(name) || name.length <= limit),
  ];
  const taken = new Set(whole.map(({ name }) => name));
  const values = [
    ...graph.inputs.map(({ name }) => name),
    ...graph.nodes.map(({ name }) => (taken.has(name) ? name : freshName(taken, endOf(name, limit)))),
  ];
  // A weight that no node reads has no other name than its own.
  const derived = derivedKeys(graph, values);
  const unread = [...keysUnlike(graph, derived)].filter(([i]) => !derived.has(i));
  const names = new Set(derived.values());
  return { values, keys: new Map(unread.map(([i, name]) => [i, freshName(names, name)])) };
}

function endOf(name: string, limit: number): string {
  const end = name.slice(-limit);
  const slash = end.indexOf("/");
  return slash >= 0 && slash < end.length - 1 ? end.slice(slash + 1) : end;
}

/** What the reader calls weights that have no name of their own. */
function derivedKeys(graph: Graph, values: readonly string[]): ReadonlyMap<number, string> {
  const places = new Map([...graph.weights.keys()].map((key, i) => [key, i]));
  const names = new Map<number, string>();
  for (const [i, { weights }] of graph.nodes.entries()) {
    for (const [role, key] of Object.entries(weights)) {
      const place = places.get(key) as number;
      if (!names.has(place)) names.set(place, `${values[graph.inputs.length + i]}/${role}`);
    }
  }
  return names;
}

function keysUnlike(graph: Graph, derived: ReadonlyMap<number, string>): ReadonlyMap<number, string> {
  return new Map([...graph.weights.keys()].flatMap((key, i) => (derived.get(i) === key ? [] : [[i, key]])));
}

/** [characters shared with the name before, the rest, ...] */
export function foldNames(names: readonly string[]): readonly (number | string)[] {
  let before = "";
  return names.flatMap((name) => {
    let shared = 0;
    while (shared < maxShared && shared < before.length && before[shared] === name[shared]) shared++;
    before = name;
    return [shared, name.slice(shared)];
  });
}

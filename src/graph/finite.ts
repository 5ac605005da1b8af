/** Weights that a run which diverged has left: whatever is computed with them is NaN in the end. */

import type { Graph, Weight } from "./types.js";

/** @throws RangeError naming the first node with a weight of NaN, or of Infinity where it is no limit or mask */
export function refuseNotFinite({ nodes, weights }: Pick<Graph, "nodes" | "weights">): void {
  // Once for each weight: a model may call a layer many times.
  const [notFinite, notNumbers] = [Number.isFinite, (value: number) => !Number.isNaN(value)].map((isFine) =>
    placesOf(weights, isFine),
  );
  for (const node of nodes) {
    for (const [role, key] of Object.entries(node.weights)) {
      // Values are clipped at Infinity, and masked by adding it.
      const place = (role === "operand" ? notNumbers : notFinite).get(key);
      if (place === undefined) continue;
      const value = weights.get(key)?.data[place];
      throw new RangeError(`${node.name}: wanted a finite ${role}, got ${value} at ${place} of ${key}`);
    }
  }
}

/** Where each weight has its first number that is not fine, of those that have one. */
function placesOf(
  weights: ReadonlyMap<string, Weight>,
  isFine: (value: number) => boolean,
): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const [key, { data }] of weights) {
    const place = data.findIndex((value) => !isFine(value));
    if (place >= 0) places.set(key, place);
  }
  return places;
}

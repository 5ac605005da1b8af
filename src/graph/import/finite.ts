/** Weights that a run which diverged has left: whatever is computed with them is NaN in the end. */

import type { Graph, Weight } from "../types.js";

/** @throws RangeError naming the first node with a weight of NaN, or of Infinity where it is no limit or mask */
export function refuseNotFinite({ nodes, weights }: Pick<Graph, "nodes" | "weights">): void {
  for (const node of nodes) {
    for (const [role, key] of Object.entries(node.weights)) {
      const { data } = weights.get(key) as Weight;
      // Values are clipped at Infinity, and masked by adding it.
      const isFine = role === "operand" ? (value: number) => !Number.isNaN(value) : Number.isFinite;
      const index = data.findIndex((value) => !isFine(value));
      if (index < 0) continue;
      throw new RangeError(`${node.name}: wanted a finite ${role}, got ${data[index]} at ${index} of ${key}`);
    }
  }
}

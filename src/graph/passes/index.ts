/** Passes that change how a graph says something and not what it computes. */

import type { Graph } from "../types.js";
import { foldAffine } from "./fold-affine.js";
import { fuseActivation } from "./fuse-activation.js";
import { removeDead } from "./remove-dead.js";
import { removeNoOps } from "./remove-no-ops.js";

export { foldAffine } from "./fold-affine.js";
export { fuseActivation } from "./fuse-activation.js";
export { removeDead } from "./remove-dead.js";
export { removeNoOps } from "./remove-no-ops.js";

/** No-ops first: they part what the others would join. A pass with nothing to do returns its graph. */
const passes: readonly ((graph: Graph) => Graph)[] = [removeNoOps, foldAffine, fuseActivation, removeDead];

/**
 * Runs all passes until none changes anything.
 *
 * @param graph that `checkGraph` accepts
 * @returns a graph with the same inputs, the same outputs by name, and the same results up to f32
 *   rounding; the same graph if nothing changed
 */
export function simplify(graph: Graph): Graph {
  for (let current = graph; ; ) {
    const next = passes.reduce((result, pass) => pass(result), current);
    if (next === current) return next;
    current = next;
  }
}

/** Passes that change how a graph says something and not what it computes. */

import type { Graph } from "../types.js";
import { arithmeticToAffine } from "./arithmetic-to-affine.js";
import { foldAffine } from "./fold-affine.js";
import { foldFrames } from "./fold-frames.js";
import { fuseActivation } from "./fuse-activation.js";
import { fuseGates } from "./fuse-gates.js";
import { mergeMoves } from "./merge-moves.js";
import { removeDead } from "./remove-dead.js";
import { removeNoOps } from "./remove-no-ops.js";
import { sinkTransposes } from "./sink-transposes.js";
import { wholeWindows } from "./whole-windows.js";

export { arithmeticToAffine } from "./arithmetic-to-affine.js";
export { foldAffine, foldInputAffine } from "./fold-affine.js";
export { foldFrames } from "./fold-frames.js";
export { fuseActivation } from "./fuse-activation.js";
export { fuseGates } from "./fuse-gates.js";
export { fuseResidual } from "./fuse-residual.js";
export { mergeMoves } from "./merge-moves.js";
export { removeDead } from "./remove-dead.js";
export { removeNoOps } from "./remove-no-ops.js";
export { sinkTransposes } from "./sink-transposes.js";
export { wholeWindows } from "./whole-windows.js";

/** No-ops first: they part what the others would join. A pass with nothing to do returns its graph. */
const passes: readonly ((graph: Graph) => Graph)[] = [
  removeNoOps,
  sinkTransposes,
  fuseGates,
  mergeMoves,
  foldFrames,
  arithmeticToAffine,
  foldAffine,
  fuseActivation,
  wholeWindows,
  removeDead,
];

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

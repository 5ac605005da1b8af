/**
 * Everything a graph must be before anything runs it or allocates for it, whoever made it: an
 * importer, a pass, or a file from the network.
 */

import { checkMemory } from "./check/memory.js";
import { checkNode } from "./check/nodes.js";
import { checkQuant } from "./check/quant.js";
import { checkStructure } from "./check/structure.js";
import { checkWeights } from "./check/weights.js";
import { inferShapes } from "./infer.js";
import type { Graph, Shape } from "./types.js";

export interface CheckOptions {
  /** Bytes that one value at batch 1, or all weights together, may take; default 1 GiB. */
  readonly memoryCap?: number;
}

/** 1 GiB. */
export const defaultMemoryCap = 2 ** 30;

/**
 * Refuses a graph that breaks a rule.
 *
 * @param options memoryCap in bytes
 * @returns the shape of every value, as `inferShapes` has them
 * @throws GraphError with the code of the first rule that is broken
 */
export function checkGraph(
  graph: Graph,
  { memoryCap = defaultMemoryCap }: CheckOptions = {},
): ReadonlyMap<string, Shape> {
  // In this order, since each relies on those before it: shape rules read attributes and weights
  // without looking whether they are there.
  checkStructure(graph);
  checkWeights(graph, memoryCap);
  for (const node of graph.nodes) checkNode(graph, node);
  const shapes = inferShapes(graph);
  checkMemory(graph, shapes, memoryCap);
  checkQuant(graph);
  return shapes;
}

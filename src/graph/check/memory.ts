/** No value larger than the cap: a shape of four numbers can ask for any amount of memory. */

import { GraphError } from "../errors.js";
import { ruleOf } from "../infer.js";
import { formatShape, sizeOf } from "../shape.js";
import type { Graph, Shape } from "../types.js";

/** A value is f32 at some point of its life, or may be. */
const bytesPerElement = 4;

/** @throws GraphError memory-cap */
export function checkMemory(graph: Graph, shapes: ReadonlyMap<string, Shape>, memoryCap: number): void {
  for (const [name, shape] of shapes) checkSize(name, shape, memoryCap);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => shapes.get(input) as Shape);
    const workspace = ruleOf(node).workspace?.(node, inputs);
    if (workspace) checkSize(`${node.name}: workspace`, workspace, memoryCap);
  }
}

function checkSize(name: string, shape: Shape, memoryCap: number): void {
  const bytes = sizeOf(shape) * bytesPerElement;
  if (bytes <= memoryCap) return;
  throw new GraphError(
    "memory-cap",
    `${name}: wanted at most ${memoryCap} bytes, got ${bytes} for ${formatShape(shape)}`,
  );
}

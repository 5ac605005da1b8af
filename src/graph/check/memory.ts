/** No value larger than the cap: a shape of four numbers can ask for any amount of memory. */

import { GraphError } from "../errors.js";
import { formatShape, sizeOf } from "../shape.js";
import type { Shape } from "../types.js";

/** A value is f32 at some point of its life, or may be. */
const bytesPerElement = 4;

/** @throws GraphError memory-cap */
export function checkMemory(shapes: ReadonlyMap<string, Shape>, memoryCap: number): void {
  for (const [name, shape] of shapes) {
    const bytes = sizeOf(shape) * bytesPerElement;
    if (!(bytes <= memoryCap)) {
      throw new GraphError(
        "memory-cap",
        `${name}: wanted at most ${memoryCap} bytes, got ${bytes} for ${formatShape(shape)}`,
      );
    }
  }
}

/** resize in f32, by the formulas of tfjs-backend-cpu 4.22, ResizeBilinear.ts and ResizeNearestNeighbor.ts. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import { lowerMove } from "./moves.js";
import { placeIn } from "./places.js";

export function lowerResize(to: Lowering, node: Node): void {
  const { size, method } = node.attrs as { size: readonly number[]; method: string };
  if (method === "bilinear") lowerBilinear(to, node, size);
  else lowerMove(to, node);
}

function lowerBilinear(to: Lowering, node: Node, [height, width]: readonly number[]): void {
  const [input] = node.inputs;
  const [, rows, columns, channels] = to.shape(input) as number[];
  const down = sharesOf(to, node, "down", rows, height, columns * channels * 4);
  const across = sharesOf(to, node, "across", columns, width, channels * 4);
  const x = to.f32(input);
  const y = to.define(node.name, "f32");
  const { f32_resize_bilinear } = to.kernels;
  to.each(`${node.name}: f32_resize_bilinear`, y, x, (yAt, xAt) => {
    f32_resize_bilinear(yAt, xAt, down, across, height, width, channels);
  });
}

/** Address of the kernel's records: the two places beside each, and the share of the second. */
function sharesOf(
  to: Lowering,
  node: Node,
  name: string,
  from: number,
  length: number,
  step: number,
): number {
  return to.constants.upload(`${node.name}/${name}`, () => {
    const place = placeIn(node, from, length, 0.5);
    const records = new Int32Array(length * 3);
    const shares = new Float32Array(records.buffer);
    for (let i = 0; i < length; i++) {
      const at = Math.max(0, place(i));
      const low = Math.floor(at);
      records[i * 3] = low * step;
      records[i * 3 + 1] = Math.min(low + 1, from - 1) * step;
      shares[i * 3 + 2] = at - low;
    }
    return records;
  });
}

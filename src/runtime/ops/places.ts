/** Where the places of a resized picture lie in the one that it is made of. */

import type { Node } from "../../graph/index.js";

/** Where a place along an axis of the result lies in the input, a real number. */
export function placeIn({ attrs }: Node, from: number, to: number, center: number): (i: number) => number {
  const corners = attrs.alignCorners && to > 1 ? 1 : 0;
  const ratio = (from - corners) / (to - corners);
  return (i) => (attrs.halfPixelCenters ? (i + 0.5) * ratio - center : i * ratio);
}

/** Where each row and column comes from; undefined for another method than the nearest. */
export function nearestSources(node: Node) {
  const { size, method, alignCorners } = node.attrs as {
    size: readonly number[];
    method: string;
    alignCorners?: boolean;
  };
  if (method !== "nearest") return undefined;
  const round = alignCorners ? Math.round : Math.floor;
  return (axis: number, sample: readonly number[], strides: readonly number[]): number[] => {
    const length = size[axis] ?? sample[axis];
    const place = placeIn(node, sample[axis], length, 0);
    return Array.from({ length }, (_, i) => {
      const at = axis < 2 ? Math.min(round(place(i)), sample[axis] - 1) : i;
      return at * strides[axis];
    });
  };
}

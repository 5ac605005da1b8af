/** Where the taps of a window fall: on the picture, or on the zeros around it. */

import type { Node, Shape } from "../graph/index.js";

/**
 * Of each tap of a convolution, the share of its places at which it lies on the input.
 *
 * @param node conv2d or depthwiseConv2d
 * @param size height and width of its kernel
 * @param input its shape, [null, h, w, c]
 * @returns [height * width], each in [0, 1]
 */
export function tapShares({ attrs }: Node, size: readonly number[], input: Shape): readonly number[] {
  const [strides, dilations, padding] = [attrs.strides, attrs.dilations, attrs.padding] as number[][];
  const shares = (axis: number): number[] => {
    const cells = input[axis + 1] as number;
    const [before, after] = padding.slice(2 * axis);
    const reach = (size[axis] - 1) * dilations[axis] + 1;
    const places = Math.floor((before + cells + after - reach) / strides[axis]) + 1;
    return Array.from({ length: size[axis] }, (_, tap) => {
      const first = tap * dilations[axis] - before;
      const inside = Array.from({ length: places }, (_, place) => first + place * strides[axis]);
      return inside.filter((cell) => cell >= 0 && cell < cells).length / places;
    });
  };
  const [rows, columns] = [shares(0), shares(1)];
  return rows.flatMap((row) => columns.map((column) => row * column));
}

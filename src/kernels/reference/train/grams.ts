/** Plain-loop oracle of the products of a matrix with itself. */

import type { Heap, Kernel } from "../../../wasm/index.js";

const TILE = 4;

export function gramKernels(heap: Heap) {
  const f64_gram_add: Kernel = (g, panel, tiles, depth) => {
    const size = TILE * tiles;
    const sums = new Float64Array(heap.buffer, g, size * size);
    const numbers = new Float64Array(heap.buffer, panel, size * depth);
    const placeOf = (column: number, row: number) =>
      ((column >> 2) * depth + row) * TILE + (column & (TILE - 1));
    for (let i = 0; i < size; i++) {
      for (let j = i & -TILE; j < size; j++) {
        let sum = 0;
        for (let k = 0; k < depth; k++) sum += numbers[placeOf(i, k)] * numbers[placeOf(j, k)];
        sums[i * size + j] += sum;
      }
    }
    return 0;
  };

  return { f64_gram_add };
}

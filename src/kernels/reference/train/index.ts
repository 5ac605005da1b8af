/** The oracle of the training binary, and what runs where there is no WebAssembly. */

import type { Heap } from "../../../wasm/index.js";
import { blockKernels } from "./blocks.js";
import { elementKernels } from "./elements.js";
import { gradientKernels } from "./gradients.js";
import { gramKernels } from "./grams.js";
import { optimizerKernels } from "./optimizers.js";
import { pruneKernels } from "./prune.js";
import { quantizeKernels } from "./quantize.js";
import { selectKernels } from "./select.js";
import { statisticsKernels } from "./statistics.js";

export function trainReference(heap: Heap) {
  return {
    ...pruneKernels(heap),
    ...selectKernels(heap),
    ...blockKernels(heap),
    ...quantizeKernels(heap),
    ...statisticsKernels(heap),
    ...gradientKernels(heap),
    ...gramKernels(heap),
    ...elementKernels(heap),
    ...optimizerKernels(heap),
  };
}

export type TrainKernel = keyof ReturnType<typeof trainReference>;

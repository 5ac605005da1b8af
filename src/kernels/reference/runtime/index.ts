/** The oracle of the inference binary, and what runs where there is no WebAssembly. */

import type { Heap } from "../../../wasm/index.js";
import { floatKernels } from "./float.js";
import { integerKernels } from "./integer.js";
import { moveKernels } from "./moves.js";
import { planeKernels } from "./planes.js";
import { recurrentKernels } from "./recurrent.js";
import { windowKernels } from "./windows.js";
import { winogradKernels } from "./winograd.js";

export function runtimeReference(heap: Heap) {
  return {
    ...floatKernels(heap),
    ...integerKernels(heap),
    ...moveKernels(heap),
    ...planeKernels(heap),
    ...recurrentKernels(heap),
    ...windowKernels(heap),
    ...winogradKernels(heap),
  };
}

export type RuntimeKernel = keyof ReturnType<typeof runtimeReference>;

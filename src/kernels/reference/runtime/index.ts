/** The oracle of the inference binary, and what runs where there is no WebAssembly. */

import type { Heap } from "../../../wasm/index.js";
import { floatKernels } from "./float.js";
import { integerKernels } from "./integer.js";

export function runtimeReference(heap: Heap) {
  return { ...floatKernels(heap), ...integerKernels(heap) };
}

export type RuntimeKernel = keyof ReturnType<typeof runtimeReference>;

/** `pare/kernels`: the arithmetic alone, on typed arrays. No dependencies. */

export {
  type BlockOptions,
  type BlockPattern,
  type Codes,
  type CodesOf,
  type CodeType,
  createKernels,
  type Histogram,
  type HistogramOptions,
  type Kernels,
  kernels,
  PackedMatrix,
  type PackOptions,
  type PruneMode,
  type PruneOptions,
  packMatrix,
  type Quantized,
  type QuantizeOptions,
  type Rounding,
  type WeightKernels,
} from "./kernels/index.js";
export type { Allocator, EngineOptions, Variant } from "./wasm/index.js";

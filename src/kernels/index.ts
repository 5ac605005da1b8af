/** Typed arrays in, typed arrays out. The only door of this folder for what is not an engine's own. */

import type { EngineOptions } from "../wasm/index.js";
import { type PackedMatrix, type PackOptions, packMatrix } from "./packed-matrix.js";
import { openWeightKernels, type WeightKernels } from "./weights.js";

export { PackedMatrix, type PackOptions, packMatrix } from "./packed-matrix.js";
export type {
  BlockOptions,
  BlockPattern,
  Codes,
  CodesOf,
  CodeType,
  Histogram,
  HistogramOptions,
  PruneMode,
  PruneOptions,
  Quantized,
  QuantizeOptions,
  Rounding,
} from "./weights/types.js";
export type { WeightKernels } from "./weights.js";

export interface Kernels extends WeightKernels {
  /**
   * Packs s8 weights for products with u7 activations, in a memory of their own.
   *
   * @param w s8[inputs][outputs], each in [-127, 127]; copied
   * @throws as `packMatrix`
   */
  pack(w: Int8Array, options: PackOptions): PackedMatrix;
}

/**
 * Opens kernels: compiles the binary, probes its values, takes the best variant that passes.
 *
 * @param options variant: forces one; host: a WebAssembly.Memory that is not shared, and its allocator, to
 *   work in, so that arrays that lie there are not copied
 * @throws RangeError for an unknown variant; Error where the forced variant does not run here, or no variant
 *   can work in the host's memory
 */
export function createKernels(options: EngineOptions = {}): Kernels {
  const { variant } = options;
  return Object.freeze({
    ...openWeightKernels(options),
    pack: (w: Int8Array, own: PackOptions) => packMatrix(w, variant ? { variant, ...own } : own),
  });
}

let opened: Kernels | undefined;
const open = (): Kernels => {
  opened ??= createKernels();
  return opened;
};

/** The kernels of this process. Nothing is compiled before the first call. */
export const kernels: Kernels = /* @__PURE__ */ Object.freeze({
  get variant() {
    return open().variant;
  },
  prune: (...args) => open().prune(...args),
  kthMagnitude: (...args) => open().kthMagnitude(...args),
  pruneToSparsity: (...args) => open().pruneToSparsity(...args),
  pruneBlocks: (...args) => open().pruneBlocks(...args),
  quantize: (w, options) => open().quantize(w, options),
  dequantize: (...args) => open().dequantize(...args),
  absMax: ((w: Float32Array, options: { channels: number }) =>
    open().absMax(w, options)) as Kernels["absMax"],
  minMax: (...args) => open().minMax(...args),
  histogram: (...args) => open().histogram(...args),
  pack: (...args) => open().pack(...args),
} satisfies Kernels);

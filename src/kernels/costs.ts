/**
 * What the product kernels cost, in nanoseconds: measured on 1024 x 1024 and 256 x 512 x 512, relaxed
 * on a Zen 5 with AVX-VNNI, relaxed16 on a Zen 4 without (both Node 24), simd on that Zen 4 (Node 20). Only their ratios matter: they
 * decide between layouts that all give the same sums.
 */
import type { LayoutName } from "./layouts.js";

export type CostVariant = "relaxed" | "relaxed16" | "simd";

export interface Cost {
  /** A matrix-vector product: for each block (4of16: for each group of 4 x 16) and for each output. */
  readonly matvec: { readonly block: number; readonly output: number };
  /** A product with 8 pixels: likewise. 4of16 has no C4 form and takes 4 pixels of rows at a time. */
  readonly spmm: { readonly block: number; readonly output: number };
}

export const costs: Readonly<Record<CostVariant, Readonly<Record<LayoutName, Cost>>>> = {
  relaxed: {
    dense: { matvec: { block: 0.19, output: 0.5 }, spmm: { block: 1.01, output: 2 } },
    "4x4": { matvec: { block: 0.29, output: 0.5 }, spmm: { block: 1.08, output: 2 } },
    "1x4": { matvec: { block: 0.21, output: 1.5 }, spmm: { block: 0.29, output: 3 } },
    "4of16": { matvec: { block: 0.34, output: 0.5 }, spmm: { block: 1.5, output: 4 } },
  },
  relaxed16: {
    dense: { matvec: { block: 0.32, output: 0.5 }, spmm: { block: 1.95, output: 1.5 } },
    "4x4": { matvec: { block: 0.46, output: 0.5 }, spmm: { block: 1.95, output: 1.5 } },
    "1x4": { matvec: { block: 0.27, output: 1.5 }, spmm: { block: 0.5, output: 2.1 } },
    "4of16": { matvec: { block: 0.5, output: 0.5 }, spmm: { block: 2.2, output: 4 } },
  },
  simd: {
    dense: { matvec: { block: 0.71, output: 0.5 }, spmm: { block: 2.9, output: 2 } },
    "4x4": { matvec: { block: 0.79, output: 0.5 }, spmm: { block: 3, output: 2 } },
    "1x4": { matvec: { block: 0.36, output: 1.5 }, spmm: { block: 0.78, output: 3 } },
    "4of16": { matvec: { block: 0.98, output: 0.5 }, spmm: { block: 4, output: 4 } },
  },
};

/** Bytes that move between rows and C4 planes, per 4 bytes. */
export const repackCost = 0.5;

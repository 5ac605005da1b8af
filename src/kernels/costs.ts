/**
 * What the product kernels cost, in nanoseconds: measured on products of 16 to 256 inputs, from a tenth of the blocks
 * to all (`npm run bench -- costs`), relaxed on a Zen 5 with AVX-VNNI, relaxed16 on a Zen 4 without it (Node 24), simd on
 * the latter (Node 20). Only their ratios matter: they decide between layouts that all give the same sums.
 */
import type { LayoutName } from "./layouts.js";

export type CostVariant = "relaxed" | "relaxed16" | "simd";

export interface Cost {
  /** A matrix-vector product: for each block (4of16: for each group of 4 x 16) and for each output. */
  readonly matvec: { readonly block: number; readonly output: number };
  /** A product with 8 pixels: likewise; 4of16 has no such form. */
  readonly spmm: { readonly block: number; readonly output: number };
}

const none = { block: Number.POSITIVE_INFINITY, output: 0 };

export interface Costs extends Readonly<Record<LayoutName, Cost>> {
  /** A convolution of 3 x 3 by Winograd's algorithm with 2 rows of 8 pixels: for each dense block and output. */
  readonly winograd: Cost["spmm"];
}

export const costs: Readonly<Record<CostVariant, Costs>> = {
  relaxed: {
    dense: { matvec: { block: 0.23, output: 0 }, spmm: { block: 1.2, output: 0.9 } },
    "4x4": { matvec: { block: 0.37, output: 0.4 }, spmm: { block: 1.2, output: 1 } },
    "1x4": { matvec: { block: 0.24, output: 1.6 }, spmm: { block: 0.35, output: 0.9 } },
    "4of16": { matvec: { block: 0.45, output: 0.15 }, spmm: none },
    // A block takes 22, which is what 18 blocks of the dense product take; in nets it was 0.6 to 0.8 times as fast.
    winograd: none,
  },
  relaxed16: {
    dense: { matvec: { block: 0.29, output: 0 }, spmm: { block: 1.8, output: 2.1 } },
    "4x4": { matvec: { block: 0.47, output: 0.5 }, spmm: { block: 2, output: 1.6 } },
    "1x4": { matvec: { block: 0.26, output: 2.1 }, spmm: { block: 0.52, output: 1.6 } },
    "4of16": { matvec: { block: 0.5, output: 0.3 }, spmm: none },
    winograd: { block: 23, output: 15 },
  },
  simd: {
    dense: { matvec: { block: 0.65, output: 0 }, spmm: { block: 3.8, output: 2.1 } },
    "4x4": { matvec: { block: 0.75, output: 0.6 }, spmm: { block: 4.2, output: 1.6 } },
    "1x4": { matvec: { block: 0.35, output: 2.2 }, spmm: { block: 1.1, output: 1.7 } },
    "4of16": { matvec: { block: 0.97, output: 0.4 }, spmm: none },
    winograd: { block: 23, output: 17 },
  },
};

/** Bytes that move between rows and C4 planes, per 4 bytes. */
export const repackCost = 0.5;

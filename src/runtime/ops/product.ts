/** An s8 x u7 product: the planner's choice of layout and of kernel, and its steps. */

import type { S8Weight } from "../../graph/index.js";
import { type CostVariant, costs, repackCost } from "../../kernels/costs.js";
import {
  countBlocks,
  groupsOf4,
  groupsOf16,
  type LayoutName,
  pack4of16,
  packBlocks,
} from "../../kernels/layouts.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";

export interface Product {
  readonly name: string;
  /** Names the packed weights: nodes that share weights share them. */
  readonly key: string;
  readonly kernel: S8Weight;
  readonly bias: Int32Array | undefined;
  /** Rows of the input: the batch, times leading dimensions. */
  readonly rows: number;
  /** The result is f32, not u7. */
  readonly isWide: boolean;
}

export interface Choice {
  readonly layout: LayoutName;
  /** Row by row, or 8 rows at a time as the pixels of C4 planes. */
  readonly by: "matvec" | "spmm";
}

// What a call from JavaScript costs, ns.
const CALL = 20;

/** The cheapest way to compute a product, by the measured table of kernels/costs.ts. */
export function chooseProduct(to: Lowering, product: Product): Choice {
  const { kernel, rows, key, isWide } = product;
  const [k, n] = kernel.shape;
  const variant: CostVariant = to.options.variant === "relaxed" ? "relaxed" : "simd";
  const blocks = to.constants.cache(`${key}/blocks`, () => ({
    dense: groupsOf4(k) * groupsOf4(n),
    "4x4": sum(countBlocks(kernel.data, k, n, 4)),
    "1x4": sum(countBlocks(kernel.data, k, n, 1)),
    "4of16": pack4of16(kernel.data, k, n) ? groupsOf4(n) * groupsOf16(k) : Number.POSITIVE_INFINITY,
  }));
  let best: Choice = { layout: "dense", by: "matvec" };
  let least = Number.POSITIVE_INFINITY;
  const consider = (layout: LayoutName, by: Choice["by"], cost: number) => {
    if (cost >= least) return;
    least = cost;
    best = { layout, by };
  };
  for (const layout of ["dense", "4x4", "1x4", "4of16"] as const) {
    const { matvec, spmm } = costs[variant][layout];
    consider(layout, "matvec", rows * (blocks[layout] * matvec.block + n * matvec.output + 2 * CALL));
    // spmm has no form that keeps the sums, and 4of16 none for a row length that is not whole groups
    if (isWide || layout === "4of16") continue;
    const repack = (rows * (k + n) * repackCost) / 4;
    consider(layout, "spmm", Math.ceil(rows / 8) * (blocks[layout] * spmm.block + n * spmm.output) + repack);
  }
  return best;
}

const sum = (counts: Int32Array): number => counts.reduce((total, count) => total + count, 0);

export interface Epilogue {
  /** f32, one an output, padded to groups of 4. */
  readonly mult: number;
  /** See assembly/post.ts; absent for an f32 result. */
  readonly post?: number;
}

/** Emits the steps of a product from u7 rows x to rows y. */
export function productSteps(
  to: Lowering,
  product: Product,
  choice: Choice,
  x: Buffer,
  y: Buffer,
  epilogue: Epilogue,
): void {
  const [, n] = product.kernel.shape;
  const bias = to.constants.upload(`${product.key}/bias`, () => {
    const padded = new Int32Array(groupsOf4(n) * 4);
    if (product.bias) padded.set(product.bias);
    return padded;
  });
  if (choice.by === "spmm") spmmSteps(to, product, choice.layout, x, y, bias, epilogue);
  else matvecSteps(to, product, choice.layout, x, y, bias, epilogue);
}

function matvecSteps(
  to: Lowering,
  product: Product,
  layout: LayoutName,
  x: Buffer,
  y: Buffer,
  bias: number,
  { mult, post }: Epilogue,
): void {
  const { kernels } = to;
  const [k, n] = product.kernel.shape;
  const n4 = groupsOf4(n);
  const { rows } = product;
  const sums = to.scratch(n4 * 16);
  const multiply = matvecCall(to, product, layout, bias);
  const width = post === undefined ? 4 : 1;
  to.emit({
    label: `${product.name}: matvec ${layout}`,
    reads: [x],
    writes: [y, sums],
    bind: (at) => {
      const [yAt, xAt, sumsAt] = [at(y), at(x), at(sums)];
      // A row's last group may run over into the next row, which is written after it.
      return () => {
        for (let row = 0; row < rows; row++) {
          multiply(sumsAt, xAt + row * k);
          const out = yAt + row * n * width;
          if (post === undefined) kernels.i32_f32_dequantize(out, sumsAt, mult, n4);
          else kernels.i32_u7_requantize(out, sumsAt, mult, post, n4);
        }
      };
    },
  });
}

function matvecCall(
  to: Lowering,
  { key, kernel }: Product,
  layout: LayoutName,
  bias: number,
): (y: number, x: number) => void {
  const { kernels, constants } = to;
  const [k, n] = kernel.shape;
  const n4 = groupsOf4(n);
  if (layout === "4of16") {
    const k16 = groupsOf16(k);
    const packed = () => constants.cache(`${key}/4of16`, () => pack4of16(kernel.data, k, n));
    const w = constants.upload(`${key}/4of16/values`, () => packed()?.values as Int8Array);
    const lanes = constants.upload(`${key}/4of16/lanes`, () => packed()?.lanes as Uint8Array);
    return (y, x) => kernels.u7_s8w_matvec_4of16(y, x, w, lanes, bias, n4, k16);
  }
  // The gathering kernel takes four blocks of a row at once.
  const { values, cols, starts } = uploadBlocks(to, key, kernel, layout, layout === "1x4" ? 4 : 1);
  if (layout === "dense") {
    const k4 = groupsOf4(k);
    return (y, x) => kernels.u7_s8w_matvec(y, x, values, bias, n4, k4);
  }
  if (layout === "4x4") return (y, x) => kernels.u7_s8w_matvec_4x4(y, x, values, cols(), starts(), bias, n4);
  const [colsAt, startsAt] = [cols(), starts()];
  return (y, x) => kernels.u7_s8w_matvec_1x4(y, x, values, colsAt, startsAt, bias, n4 * 4);
}

function uploadBlocks(to: Lowering, key: string, kernel: S8Weight, layout: LayoutName, multiple: number) {
  const [k, n] = kernel.shape;
  const name = `${key}/${layout}/${multiple}`;
  const rows = layout === "1x4" ? 1 : 4;
  const blocks = to.constants.cache(name, () =>
    packBlocks(kernel.data, k, n, rows, layout === "dense", multiple),
  );
  return {
    blocks,
    values: to.constants.upload(`${name}/values`, () => blocks.values),
    cols: () => to.constants.upload(`${name}/cols`, () => blocks.cols),
    starts: () => to.constants.upload(`${name}/starts`, () => blocks.starts),
  };
}

function spmmSteps(
  to: Lowering,
  product: Product,
  layout: LayoutName,
  x: Buffer,
  y: Buffer,
  bias: number,
  { mult, post = 0 }: Epilogue,
): void {
  const { kernels } = to;
  const { kernel, key, rows } = product;
  const [k, n] = kernel.shape;
  const [k4, n4] = [groupsOf4(k), groupsOf4(n)];
  const m8 = Math.ceil(rows / 8);
  const stride = planeStride(m8);
  const { blocks, values, starts } = uploadBlocks(to, key, kernel, layout, 1);
  const startsAt = starts();
  const offsets = to.constants.upload(`${key}/${layout}/offsets/${stride}`, () =>
    Int32Array.from(blocks.cols, (col) => col * stride),
  );
  const planesIn = to.scratch(k4 * stride);
  const planesOut = to.scratch(n4 * stride);
  const tile = to.scratch(128);
  to.emit({
    label: `${product.name}: rows to C4`,
    reads: [x],
    writes: [planesIn],
    bind: (at) => {
      const [to4, from] = [at(planesIn), at(x)];
      return () => kernels.u7_rows_c4(to4, from, rows, k4, k, stride);
    },
  });
  to.emit({
    label: `${product.name}: spmm ${layout}`,
    reads: [planesIn],
    writes: [planesOut, tile],
    bind: (at) => {
      const [yAt, xAt, tileAt] = [at(planesOut), at(planesIn), at(tile)];
      if (layout === "1x4") {
        return () =>
          kernels.u7_s8w_spmm_1x4(
            yAt,
            xAt,
            values,
            offsets,
            startsAt,
            bias,
            mult,
            post,
            tileAt,
            m8,
            n4,
            stride,
          );
      }
      return () =>
        kernels.u7_s8w_spmm_4x4(yAt, xAt, values, offsets, startsAt, bias, mult, post, m8, n4, stride);
    },
  });
  to.emit({
    label: `${product.name}: C4 to rows`,
    reads: [planesOut],
    writes: [y],
    bind: (at) => {
      const [rowsAt, from] = [at(y), at(planesOut)];
      return () => kernels.u7_c4_rows(rowsAt, from, rows, n4, stride, n);
    },
  });
}

// Planes a power of two apart fall on the same few sets of the L1 cache.
function planeStride(m8: number): number {
  const bytes = m8 * 32;
  return bytes % 256 === 0 ? bytes + 64 : bytes;
}

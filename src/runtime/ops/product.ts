/** An s8 x u7 product: the planner's choice of layout and of kernel, and its steps. */

import type { S8Weight } from "../../graph/index.js";
import { type Costs, costs, repackCost } from "../../kernels/costs.js";
import { countBlocks, groupsOf4, groupsOf16, type LayoutName, pack4of16 } from "../../kernels/layouts.js";
import {
  matvecCall,
  PLANES_SCRATCH,
  type ProductWeights,
  planesCall,
  restOf,
  straightTiles,
  strideFor,
} from "../../kernels/products.js";
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

/** Of the layouts, those with a form for C4 planes. */
type PlanesLayout = Exclude<LayoutName, "4of16">;

/** Row by row, or 8 rows at a time as the pixels of C4 planes. */
export type Choice =
  | { readonly by: "matvec"; readonly layout: LayoutName }
  | { readonly by: "spmm"; readonly layout: PlanesLayout };

// What a call from JavaScript costs, ns.
const CALL = 20;

/** The cheapest way to compute a product, by the measured table of kernels/costs.ts. */
export function chooseProduct(to: Lowering, product: Product): Choice {
  const { rows, isWide } = product;
  const weights = weightsOf(product);
  const { inputs: k, outputs: n } = weights;
  const { single, square, isOf16 } = blocksOf(to, weights);
  const blocks = {
    // The dense kernel takes 16 outputs at a time.
    dense: groupsOf4(k) * groupsOf16(n) * 4,
    "4x4": sum(square),
    "1x4": sum(single),
    "4of16": isOf16 ? groupsOf4(n) * groupsOf16(k) : Number.POSITIVE_INFINITY,
  };
  const options: (Choice & { cost: number })[] = [];
  for (const layout of layouts) {
    const { block, output } = costsOf(to)[layout].matvec;
    const cost = rows * (blocks[layout] * block + n * output + 2 * CALL);
    options.push({ layout, by: "matvec", cost });
    // spmm has no form that keeps the sums, and 4of16 none for a row length that is not whole groups
    if (isWide || layout === "4of16") continue;
    const repack = (rows * (k + n) * repackCost) / 4;
    options.push({
      layout,
      by: "spmm",
      cost: planesCost(to, weights, layout, Math.ceil(rows / 8)) + repack,
    });
  }
  return cheapest(options);
}

const layouts = ["dense", "4x4", "1x4", "4of16"] as const;

// The first of equals: the one with the least to look up.
const cheapest = <Option extends { readonly cost: number }>(options: readonly Option[]): Option =>
  options.reduce((best, option) => (option.cost < best.cost ? option : best));

/** What a product of C4 planes of `m8` tiles takes, ns. */
function planesCost(to: Lowering, weights: ProductWeights, layout: PlanesLayout, m8: number): number {
  const { outputs, inputs } = weights;
  const { single, square } = blocksOf(to, weights);
  const costOf = (by: PlanesLayout, n: number, blocks: number, tiles: number): number => {
    const { block, output } = costsOf(to)[by].spmm;
    return tiles * (blocks * block + n * output);
  };
  // The 1x4 kernel takes 32 pixels at a time; what is left over goes by 8, three of them as four.
  const whole = Math.floor((m8 + 1) / 4) * 4;
  const tiles = whole + 1.75 * Math.max(m8 - whole, 0);
  const first = layout === "1x4" ? 0 : outputs - restOf(layout, outputs);
  const others = costOf("1x4", outputs - first, sum(single.subarray(first)), tiles);
  const groups = groupsOf4(first);
  const blocks = layout === "dense" ? groups * groupsOf4(inputs) : sum(square.subarray(0, groups));
  return costOf(layout, first, blocks, m8) + others;
}

/** The cheapest layout for a product of C4 planes of `m8` tiles, and what it takes, ns. */
export function choosePlanes(
  to: Lowering,
  weights: ProductWeights,
  m8: number,
): { readonly layout: PlanesLayout; readonly cost: number } {
  return cheapest(
    (["dense", "4x4", "1x4"] as const).map((layout) => ({
      layout,
      cost: planesCost(to, weights, layout, m8),
    })),
  );
}

/** The costs of the kernels that run here. */
export function costsOf(to: Lowering): Costs {
  const { variant } = to.options;
  return costs[variant === "reference" ? "simd" : variant];
}

/** Blocks that are not all zero: of each output, of each group of 4; whether 4of16 can hold the weights. */
function blocksOf(to: Lowering, { key, data, inputs, outputs }: ProductWeights) {
  return to.constants.cache(`${key}/blocks`, () => ({
    single: countBlocks(data, inputs, outputs, 1),
    square: countBlocks(data, inputs, outputs, 4),
    isOf16: pack4of16(data, inputs, outputs) !== null,
  }));
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
    const padded = new Int32Array(groupsOf16(n) * 16);
    if (product.bias) padded.set(product.bias);
    return padded;
  });
  if (choice.by === "spmm") spmmSteps(to, product, choice.layout, x, y, bias, epilogue);
  else matvecSteps(to, product, choice.layout, x, y, bias, epilogue);
}

function weightsOf({ key, kernel }: Product): ProductWeights {
  const [inputs, outputs] = kernel.shape;
  return { key, data: kernel.data, inputs, outputs };
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
  const sums = to.scratch(groupsOf16(n) * 64);
  const multiply = matvecCall(to.options, to.constants, weightsOf(product), layout, bias);
  const width = post === undefined ? 4 : 1;
  // A row's last groups may run over into the next row, which is written after it.
  const call = (yAt: number, xAt: number, sumsAt: number) => {
    for (let row = 0; row < rows; row++) {
      multiply(sumsAt, xAt + row * k);
      const out = yAt + row * n * width;
      if (post === undefined) kernels.i32_f32_dequantize(out, sumsAt, mult, n4);
      else kernels.i32_u7_requantize(out, sumsAt, mult, post, n4);
    }
  };
  to.once(`${product.name}: matvec ${layout}`, y, x, call, sums);
}

function spmmSteps(
  to: Lowering,
  product: Product,
  layout: PlanesLayout,
  x: Buffer,
  y: Buffer,
  bias: number,
  { mult, post = 0 }: Epilogue,
): void {
  const { kernels, constants } = to;
  const { kernel, rows } = product;
  const [k, n] = kernel.shape;
  const [k4, n4] = [groupsOf4(k), groupsOf4(n)];
  const m8 = Math.ceil(rows / 8);
  const stride = strideFor(m8 * 32);
  const tiles = to.own.upload(`tiles/${m8}`, () => straightTiles(m8));
  const planesIn = to.scratch(k4 * stride);
  const planesOut = to.scratch(n4 * stride);
  to.once(`${product.name}: rows to C4`, planesIn, x, (to4, from) =>
    kernels.u7_rows_c4(to4, from, rows, k4, k, stride),
  );
  const multiply = planesCall(
    to.options,
    constants,
    weightsOf(product),
    layout,
    `${stride}`,
    (col) => col * stride,
    { bias, mult, post },
    k4,
    to.own,
  );
  const scratch = to.scratch(PLANES_SCRATCH);
  to.once(
    `${product.name}: spmm ${layout}`,
    planesOut,
    planesIn,
    (yAt, xAt, scratchAt) => multiply(yAt, xAt, scratchAt, tiles, m8, stride),
    scratch,
  );
  to.once(`${product.name}: C4 to rows`, y, planesOut, (rowsAt, from) =>
    kernels.u7_c4_rows(rowsAt, from, rows, n4, stride, n),
  );
}

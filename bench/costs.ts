/**
 * Measures the table of src/kernels/costs.ts on this machine: `npm run bench -- costs`.
 *
 * For each layout, products of several sizes and densities are timed, and the two costs are fitted: so
 * much a block, so much an output. Run it with Node 24 for relaxed, with Node 20 for simd.
 */

import { createRandom } from "../src/data/index.js";
import { countBlocks, groupsOf4, groupsOf16, type LayoutName } from "../src/kernels/layouts.js";
import { packPost } from "../src/kernels/post.js";
import {
  createStore,
  matvecCall,
  PLANES_SCRATCH,
  type ProductWeights,
  planesCall,
  straightTiles,
  strideFor,
} from "../src/kernels/products.js";
import { type RuntimeKernel, runtimeSet } from "../src/kernels/runtime-set.js";
import { packWinograd, WINOGRAD_CHUNK, winogradScratch } from "../src/kernels/winograd.js";
import { planes, rowPairs } from "../src/runtime/planes.js";
import { type Engine, openEngine } from "../src/wasm/index.js";
import { formatHost, readHost } from "./report.js";
import { quick, type Side, timeAlone } from "./timing.js";

interface Sample {
  readonly blocks: number;
  readonly outputs: number;
  readonly ns: number;
}

const layouts: readonly LayoutName[] = ["dense", "4x4", "1x4", "4of16"];

/** Parts of the blocks that are kept. */
const densities: Readonly<Record<LayoutName, readonly number[]>> = {
  dense: [1],
  "4x4": [0.5, 0.25, 0.1],
  "1x4": [1, 0.5, 0.25, 0.1],
  "4of16": [1],
};

/** Random weights in blocks, as training leaves them; of a 4of16 every group keeps its first 4 inputs. */
function makeWeights(layout: LayoutName, inputs: number, outputs: number, density: number): ProductWeights {
  const random = createRandom(1);
  const data = new Int8Array(inputs * outputs);
  const rows = layout === "4x4" ? 4 : 1;
  for (let output = 0; output < outputs; output += rows) {
    for (let input = 0; input < inputs; input += layout === "4of16" ? 16 : 4) {
      if (random.uniform() >= density) continue;
      for (let i = 0; i < rows * 4; i++) {
        data[(input + (i & 3)) * outputs + output + (i >> 2)] = random.normal(0, 40) || 1;
      }
    }
  }
  return { key: `${layout} ${inputs} ${density}`, data, inputs, outputs };
}

function blocksOf(layout: LayoutName, { data, inputs, outputs }: ProductWeights): number {
  if (layout === "dense") return groupsOf4(inputs) * groupsOf4(outputs);
  if (layout === "4of16") return groupsOf16(inputs) * groupsOf4(outputs);
  return countBlocks(data, inputs, outputs, layout === "4x4" ? 4 : 1).reduce((sum, count) => sum + count, 0);
}

/**
 * Memory that was written to. What never was is one page of the system's at many addresses, which a first-level cache
 * that is looked up by address takes a third longer to read.
 */
function written({ heap }: Engine<RuntimeKernel>, bytes: number): number {
  const address = heap.alloc(bytes);
  heap.u8(address, bytes).fill(1);
  return address;
}

function matvecSide(engine: Engine<RuntimeKernel>, layout: LayoutName, weights: ProductWeights): Side {
  const { heap } = engine;
  const sums = written(engine, weights.outputs * 4);
  const x = written(engine, weights.inputs);
  const bias = heap.alloc(weights.outputs * 4);
  const multiply = matvecCall(engine, createStore(heap), weights, layout, bias);
  return { name: weights.key, run: () => multiply(sums, x) };
}

// Tiles of 8 pixels: 256 rows.
const TILES = 32;

function planesSide(
  engine: Engine<RuntimeKernel>,
  layout: Exclude<LayoutName, "4of16">,
  weights: ProductWeights,
): Side {
  const { heap } = engine;
  const { inputs, outputs } = weights;
  const stride = strideFor(TILES * 32);
  const put = (bytes: ArrayBufferView): number => createStore(heap).upload("bytes", () => bytes);
  const [y, x, scratch] = [groupsOf4(outputs) * stride, groupsOf4(inputs) * stride, PLANES_SCRATCH].map(
    (bytes) => written(engine, bytes),
  );
  const tiles = put(straightTiles(TILES));
  const epilogue = {
    bias: put(new Int32Array(outputs)),
    mult: put(new Float32Array(outputs).fill(1e-3)),
    post: put(packPost({ zero: 0, low: 0 })),
  };
  const multiply = planesCall(
    engine,
    createStore(heap),
    weights,
    layout,
    String(stride),
    (col) => col * stride,
    epilogue,
    groupsOf4(inputs),
  );
  return { name: weights.key, run: () => multiply(y, x, scratch, tiles, TILES, stride) };
}

/** A convolution of 3 x 3 with two rows of 8 pixels a tile. */
function winogradSide(engine: Engine<RuntimeKernel>, inputs: number, outputs: number): Side {
  const { heap, kernels } = engine;
  const put = (bytes: ArrayBufferView): number => createStore(heap).upload("bytes", () => bytes);
  const [k4, n4] = [groupsOf4(inputs), groupsOf4(outputs)];
  const [from, to] = [planes(4, 8 * TILES + 2, inputs), planes(2, 8 * TILES, outputs)];
  const [y, x, scratch] = [to.bytes, from.bytes, winogradScratch(inputs)].map((bytes) =>
    written(engine, bytes),
  );
  const w = put(packWinograd(new Int8Array(9 * inputs * outputs).fill(1), inputs, outputs));
  const bias = put(new Int32Array(n4 * 4));
  const mult = put(new Float32Array(n4 * 4).fill(1e-3));
  const post = put(packPost({ zero: 0, low: 0 }));
  const [xPitch, yPitch] = [from.width * 4, to.width * 4];
  const rows = { height: to.height, width: to.width, from: xPitch, to: yPitch, step: 4 };
  const tiles = put(rowPairs(rows, 8));
  const { u7_s16w_winograd_3x3 } = kernels;
  return {
    name: `winograd ${inputs}`,
    run: () => {
      u7_s16w_winograd_3x3(
        y,
        x,
        w,
        bias,
        mult,
        post,
        scratch,
        tiles,
        TILES,
        k4,
        n4,
        xPitch,
        yPitch,
        from.stride,
        to.stride,
        WINOGRAD_CHUNK,
      );
    },
  };
}

/** The block and output costs with the least squares of relative errors. */
function leastSquares(samples: readonly Sample[]): { block: number; output: number } {
  let [bb, bo, oo, b, o] = [0, 0, 0, 0, 0];
  for (const { blocks, outputs, ns } of samples) {
    const [left, right] = [blocks / ns, outputs / ns];
    bb += left * left;
    bo += left * right;
    oo += right * right;
    b += left;
    o += right;
  }
  const determinant = bb * oo - bo * bo;
  return { block: (b * oo - o * bo) / determinant, output: (o * bb - b * bo) / determinant };
}

function measure(
  layout: LayoutName,
  outputs: number,
  sizes: readonly number[],
  scale: number,
  sideOf: (weights: ProductWeights) => Side,
): string {
  const samples = sizes.flatMap((inputs) =>
    densities[layout].map((density): Sample => {
      const weights = makeWeights(layout, inputs, outputs, density);
      const ns = (timeAlone(sideOf(weights), quick) * 1e6) / scale;
      return { blocks: blocksOf(layout, weights), outputs, ns };
    }),
  );
  return formatCost(leastSquares(samples));
}

function formatCost({ block, output }: { block: number; output: number }): string {
  return `{ block: ${block.toPrecision(2)}, output: ${Math.max(output, 0).toPrecision(2)} }`;
}

const { variant } = openEngine(runtimeSet);
console.log(`// ${formatHost(readHost(variant))}`);
console.log(`${variant}: {`);
for (const layout of layouts) {
  const open = () => openEngine(runtimeSet, { variant });
  const matvec = measure(layout, 1024, [256, 1024], 1, (weights) => matvecSide(open(), layout, weights));
  // Of few inputs as well: at 16 channels a tenth of the blocks are less than one an output.
  const spmm =
    layout === "4of16"
      ? "no planes form"
      : measure(layout, 256, [16, 64, 256], TILES, (weights) => planesSide(open(), layout, weights));
  console.log(`  "${layout}": { matvec: ${matvec}, spmm: ${spmm} },`);
}
const samples = [8, 16, 32, 64, 128].map((inputs): Sample => {
  const ns = (timeAlone(winogradSide(openEngine(runtimeSet, { variant }), inputs, 64), quick) * 1e6) / TILES;
  return { blocks: groupsOf4(inputs) * groupsOf4(64), outputs: 64, ns };
});
console.log(`  winograd: ${formatCost(leastSquares(samples))},`);
console.log("},");

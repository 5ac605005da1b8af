/** s8 x u7 products as calls on addresses: the weights packed and uploaded once, the kernel chosen by layout. */

import type { Engine, Heap } from "../wasm/index.js";
import {
  type BlockRows,
  type Blocks,
  groupsOf4,
  groupsOf16,
  type LayoutName,
  pack4of16,
  packBlocks,
  packRows,
  type RunBlocks,
  runBlocks,
} from "./layouts.js";
import type { RuntimeKernel } from "./runtime-set.js";

/** Where packed weights are kept. Keys name what was made, so that equal ones are shared. */
export interface Store {
  /** Address of the bytes that `make` gives, uploaded at the first call with this key. */
  upload(key: string, make: () => ArrayBufferView): number;
  /** A value computed once for a key, such as a packed layout. */
  cache<T>(key: string, make: () => T): T;
  /** Gives the memory of all uploads back. */
  dispose(): void;
}

// Kernels may read a vector past the last weight.
const SLACK = 64;

/** A store in a heap. */
export function createStore(heap: Heap): Store {
  const made = new Map<string, unknown>();
  const addresses: number[] = [];
  const cache = <T>(key: string, make: () => T): T => {
    if (!made.has(key)) made.set(key, make());
    return made.get(key) as T;
  };
  const upload = (key: string, make: () => ArrayBufferView): number =>
    cache(`${key} @`, () => {
      const { buffer, byteOffset, byteLength } = make();
      const address = heap.alloc(byteLength + SLACK);
      addresses.push(address);
      const to = heap.u8(address, byteLength + SLACK);
      to.set(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
      to.fill(0, byteLength);
      return address;
    });
  const dispose = () => {
    for (const address of addresses.splice(0)) heap.free(address);
    made.clear();
  };
  return { cache, upload, dispose };
}

export interface ProductWeights {
  /** Names these weights in the store. */
  readonly key: string;
  /** s8[inputs][outputs]. */
  readonly data: Int8Array;
  readonly inputs: number;
  readonly outputs: number;
}

/** Kernels, and which build of them. */
export type ProductEngine = Pick<Engine<RuntimeKernel>, "heap" | "kernels" | "variant">;

/** In runs for the build whose kernels take them; others would gain nothing for the work. */
function arrange({ variant }: ProductEngine, blocks: Blocks, rows: BlockRows): RunBlocks {
  // The kernel of 4 outputs takes runs of any length, the others pairs alone.
  if (variant === "relaxed16") return runBlocks(blocks, rows, rows === 4 ? Number.POSITIVE_INFINITY : 2);
  return { ...blocks, runs: new Int32Array(0), pairs: blocks.starts };
}

/** Uploads the parts of a layout, packed when the first is asked for. */
function partsOf<Part extends string>(
  store: Store,
  name: string,
  pack: () => Readonly<Record<Part, ArrayBufferView>>,
): (part: Part) => number {
  return (part) => store.upload(`${name}/${part}`, () => store.cache(name, pack)[part]);
}

/** y: i32[groups of 16 outputs * 16], 16-byte aligned; x: u7[inputs], readable to whole groups of 16. */
export type MatVec = (y: number, x: number) => void;

/**
 * The matrix-vector kernel of a layout.
 *
 * @param bias address of i32[groups of 16 outputs * 16]
 */
export function matvecCall(
  engine: ProductEngine,
  store: Store,
  weights: ProductWeights,
  layout: LayoutName,
  bias: number,
): MatVec {
  const { kernels } = engine;
  const { key, data, inputs, outputs } = weights;
  const n4 = groupsOf4(outputs);
  const name = `${key}/${layout}`;
  if (layout === "4of16") {
    const k16 = groupsOf16(inputs);
    const part = partsOf(store, name, () => {
      const packed = pack4of16(data, inputs, outputs);
      if (packed) return packed;
      throw new RangeError(`${key}: 4of16 wants at most 4 of every 16 inputs of an output, got more`);
    });
    const [w, lanes] = [part("values"), part("lanes")];
    return (y, x) => kernels.u7_s8w_matvec_4of16(y, x, w, lanes, bias, n4, k16);
  }
  if (layout === "dense") {
    const [n16, k4] = [groupsOf16(outputs), groupsOf4(inputs)];
    const part = partsOf(store, name, () => arrange(engine, packBlocks(data, inputs, outputs, 16, true), 16));
    const [w, cols, pairs] = [part("values"), part("cols"), part("pairs")];
    return (y, x) => kernels.u7_s8w_matvec(y, x, w, cols, pairs, bias, n16, k4);
  }
  // The gathering kernel takes four blocks of a row at once.
  const [rows, multiple] = layout === "1x4" ? ([1, 4] as const) : ([4, 1] as const);
  const part = partsOf(store, name, () => packBlocks(data, inputs, outputs, rows, false, multiple));
  const [w, cols, starts] = [part("values"), part("cols"), part("starts")];
  if (layout === "4x4") return (y, x) => kernels.u7_s8w_matvec_4x4(y, x, w, cols, starts, bias, n4);
  return (y, x) => kernels.u7_s8w_matvec_1x4(y, x, w, cols, starts, bias, n4 * 4);
}

/** Addresses of the numbers that follow a product: see assembly/post.ts. */
export interface ProductEpilogue {
  readonly bias: number;
  readonly mult: number;
  readonly post: number;
}

/** A product with pixels in C4 planes: addresses, and `m8` tiles of 8 pixels (see the kernel). */
export type PlanesProduct = (
  y: number,
  x: number,
  scratch: number,
  tiles: number,
  m8: number,
  yStride: number,
) => void;

/** Outputs behind the last whole group of 4 that the 1x4 kernel takes: three are as quick as a group. */
export function restOf(layout: LayoutName, outputs: number): number {
  const rest = outputs % 4;
  return layout === "1x4" || outputs < 4 || rest === 3 ? 0 : rest;
}

// Of the L1 cache, where weights and results want room too: MobileNetV2 is 1 to 2 % slower with 16 KB (Zen 4), and
// nothing of what was tried, up to 6 MB of weights, is slower with this.
const CHUNK_BYTES = 4_096;

/** Bytes of scratch that a PlanesProduct wants. */
export const PLANES_SCRATCH = 128;

/**
 * The kernel that multiplies C4 planes, for every layout but 4of16.
 *
 * @param offsetOf bytes from a tile of x to what the inputs 4 col to 4 col + 3 read: a plane, and in a
 *   convolution a tap
 * @param offsetKey names the offsets in `own`, which may go before the store does
 * @param planes of x that a tile reads: with a tile's 32 bytes of each, what the L1 cache should hold
 */
export function planesCall(
  engine: ProductEngine,
  store: Store,
  weights: ProductWeights,
  layout: Exclude<LayoutName, "4of16">,
  offsetKey: string,
  offsetOf: (col: number) => number,
  { bias, mult, post }: ProductEpilogue,
  planes: number,
  own: Store = store,
): PlanesProduct {
  const { key, data, inputs, outputs } = weights;
  const rest = restOf(layout, outputs);
  if (rest > 0) {
    const whole = outputs - rest;
    const part = (by: typeof layout, from: number, to: number) => {
      const isOf = (_: number, i: number) => i % outputs >= from && i % outputs < to;
      const name = `${key}/${from}+`;
      const columns = store.cache(`${name}/columns`, () => data.filter(isOf));
      const some = { key: name, data: columns, inputs, outputs: to - from };
      const numbers = { bias: bias + from * 4, mult: mult + from * 4, post };
      return planesCall(engine, store, some, by, offsetKey, offsetOf, numbers, planes, own);
    };
    const [groups, others] = [part(layout, 0, whole), part("1x4", whole, outputs)];
    return (y, x, scratch, tiles, m8, yStride) => {
      groups(y, x, scratch, tiles, m8, yStride);
      others(y + (whole / 4) * yStride, x, scratch, tiles, m8, yStride);
    };
  }
  // The 1x4 kernel takes 4 tiles at once.
  const step = layout === "1x4" ? 4 : 1;
  const chunk = Math.max(1, Math.floor(CHUNK_BYTES / (planes * 32 * step))) * step;
  const n4 = groupsOf4(outputs);
  const rows = layout === "1x4" ? 1 : 4;
  const name = `${key}/${layout}/runs`;
  const blocks = () =>
    store.cache(name, () =>
      arrange(engine, packBlocks(data, inputs, outputs, rows, layout === "dense"), rows),
    );
  const { u7_s8w_spmm_1x4, u7_s8w_spmm_4x4 } = engine.kernels;
  // Nodes that share weights have numbers of their own.
  const rowsAt = own.upload(`${name}/${offsetKey}/${bias}/${mult}`, () => {
    const count = rows === 1 ? outputs : n4 * 4;
    const { heap } = engine;
    return packRows(blocks(), rows, offsetOf, heap.i32(bias, count), heap.i32(mult, count));
  });
  if (rows === 1) {
    return (y, x, scratch, tiles, m8, yStride) => {
      u7_s8w_spmm_1x4(y, x, rowsAt, post, scratch, tiles, m8, outputs, yStride, chunk);
    };
  }
  return (y, x, _scratch, tiles, m8, yStride) => {
    u7_s8w_spmm_4x4(y, x, rowsAt, post, tiles, m8, n4, yStride, chunk);
  };
}

/** Tiles of pixels that lie one after the other in x and in y. */
export function straightTiles(m8: number): Int32Array {
  return Int32Array.from({ length: m8 * 2 }, (_, i) => (i >> 1) * 32);
}

/** Bytes between planes of so many: a power of two apart, they would fall on the same few sets of the L1 cache. */
export function strideFor(bytes: number): number {
  const size = Math.ceil(bytes / 16) * 16;
  return size % 256 === 0 ? size + 64 : size;
}

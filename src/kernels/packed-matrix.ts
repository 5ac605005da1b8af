/** A weight matrix packed for int8 products, on typed arrays. */

import { type Engine, type Heap, openEngine, type Variant } from "../wasm/index.js";
import { groupsOf4, groupsOf16, type LayoutName } from "./layouts.js";
import { boundMult, clipTable, leastSums, packPost } from "./post.js";
import {
  createStore,
  type MatVec,
  matvecCall,
  PLANES_SCRATCH,
  type PlanesProduct,
  planesCall,
  type Store,
  straightTiles,
  strideFor,
} from "./products.js";
import { requantizer } from "./reference/runtime/requantize.js";
import { type RuntimeKernel, runtimeSet } from "./runtime-set.js";
import { isA } from "./weights/stream.js";

/** The longest sum of products of an s8 and a u7 code that an i32 holds: 127 * 127 * K < 2^31. */
const MAX_INPUTS = 133_144;

export interface PackOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** How the weights lie: all of them, blocks without their zeros, or at most 4 of every 16 inputs. Default dense. */
  readonly layout?: LayoutName;
  /** i32[outputs], `round(b / (s_x s_w)) - zero_x * sum(w)`; default zeros. */
  readonly bias?: Int32Array;
  /**
   * s_x s_w / s_y, one for all outputs or f32[outputs]: finite, positive. Default 1. One that takes some sum of w and
   * bias below -12,000,000 is slow: those products go row by row, and are requantized in plain code.
   */
  readonly mult?: number | Float32Array;
  /** Code of real 0 in the result, in [0, 127]; default 0. */
  readonly zero?: number;
  /** Lowest and highest code of the result, in [0, 127]: a relu is low = zero. Default 0 and 127. */
  readonly low?: number;
  readonly high?: number;
  /** u7[128], looked up after the clamp. */
  readonly table?: Uint8Array;
  /** Forces a build of the kernels. */
  readonly variant?: Variant;
}

/**
 * Packs s8 weights for products with u7 activations: `y = clamp(rne((W x + bias) * mult) + zero)`.
 *
 * @param w s8[inputs][outputs], each in [-127, 127]; copied
 * @throws TypeError where w is no Int8Array; RangeError for a wrong size or number, or for a layout that cannot hold w
 */
export function packMatrix(w: Int8Array, options: PackOptions): PackedMatrix {
  return new PackedMatrix(w, options);
}

export class PackedMatrix {
  readonly inputs: number;
  readonly outputs: number;
  readonly layout: LayoutName;
  readonly #weights: Int8Array;
  #engine: Engine<RuntimeKernel> | null;
  readonly #store: Store;
  readonly #bias: number;
  readonly #mult: number;
  readonly #post: number;
  /** Sums may reach further than the kernels' epilogues may meet. */
  readonly #isFar: boolean;
  /** 0 for none. */
  readonly #table: number;
  readonly #sums: number;
  readonly #x: number;
  readonly #y: number;
  readonly #matvec: MatVec;
  #planes: Planes | null = null;

  constructor(w: Int8Array, options: PackOptions) {
    const { inputs, outputs, layout = "dense" } = options;
    checkOptions(w, options);
    this.inputs = inputs;
    this.outputs = outputs;
    this.layout = layout;
    // The form for many rows is packed at the first matmul; the caller's array may have changed by then.
    this.#weights = w.slice();
    const engine = openEngine(runtimeSet, options.variant ? { variant: options.variant } : {});
    this.#engine = engine;
    const { heap } = engine;
    const store = createStore(heap);
    this.#store = store;
    const n4 = groupsOf4(outputs);
    const { bias = [], mult = 1, zero = 0, low = 0, high = 127, table } = options;
    this.#bias = store.upload("bias", () => padded(new Int32Array(groupsOf16(outputs) * 16), bias));
    const channels = typeof mult === "number" ? new Float32Array(outputs).fill(mult) : mult;
    this.#mult = store.upload("mult", () => padded(new Float32Array(n4 * 4), channels));
    const clip = high < 127 ? clipTable(high) : undefined;
    const last = table && clip ? clip.map((code) => table[code]) : (table ?? clip);
    this.#table = last ? store.upload("table", () => last) : 0;
    this.#post = store.upload("post", () => packPost({ zero, low }));
    this.#isFar = leastSums(w, outputs, bias).some((sum, n) => boundMult(channels[n], sum) !== channels[n]);
    this.#sums = heap.alloc(groupsOf16(outputs) * 64);
    this.#x = heap.alloc(inputs + 64);
    this.#y = heap.alloc(groupsOf16(outputs) * 16);
    heap.u8(this.#x, inputs + 64).fill(0);
    this.#matvec = matvecCall(engine, store, this.#named(), layout, this.#bias);
  }

  /** Which build of the kernels runs. */
  get variant(): Variant {
    return this.#open().variant;
  }

  /**
   * One product.
   *
   * @param x u7[inputs]
   * @param out u7[outputs], written; default: a new array
   */
  matvec(x: Uint8Array, out: Uint8Array = new Uint8Array(this.outputs)): Uint8Array {
    const { heap, kernels } = this.#open();
    checkCodes("x", x, this.inputs);
    checkCodes("out", out, this.outputs);
    heap.u8(this.#x, this.inputs).set(x);
    this.#matvec(this.#sums, this.#x);
    if (this.#isFar) this.#requantize(heap);
    else kernels.i32_u7_requantize(this.#y, this.#sums, this.#mult, this.#post, groupsOf4(this.outputs));
    if (this.#table) kernels.u7_table(this.#y, this.#y, this.#table, this.outputs);
    out.set(heap.u8(this.#y, this.outputs));
    return out;
  }

  /**
   * The sums of one product before they are requantized: `W x + bias`.
   *
   * @param x u7[inputs]
   * @returns i32[outputs]
   */
  sums(x: Uint8Array, out: Int32Array = new Int32Array(this.outputs)): Int32Array {
    const { heap } = this.#open();
    checkCodes("x", x, this.inputs);
    if (out.length !== this.outputs)
      throw new RangeError(`out: wanted ${this.outputs} sums, got ${out.length}`);
    heap.u8(this.#x, this.inputs).set(x);
    this.#matvec(this.#sums, this.#x);
    out.set(heap.i32(this.#sums, this.outputs));
    return out;
  }

  /**
   * Products of many rows.
   *
   * @param x u7[rows][inputs]
   * @param rows >= 0
   * @param out u7[rows][outputs], written; default: a new array
   */
  matmul(x: Uint8Array, rows: number, out: Uint8Array = new Uint8Array(rows * this.outputs)): Uint8Array {
    const { heap, kernels } = this.#open();
    if (!Number.isSafeInteger(rows) || rows < 0)
      throw new RangeError(`rows: wanted an integer >= 0, got ${rows}`);
    checkCodes("x", x, rows * this.inputs);
    checkCodes("out", out, rows * this.outputs);
    if (this.layout === "4of16" || this.#isFar || rows < 4) {
      for (let row = 0; row < rows; row++) {
        const from = x.subarray(row * this.inputs, (row + 1) * this.inputs);
        this.matvec(from, out.subarray(row * this.outputs, (row + 1) * this.outputs));
      }
      return out;
    }
    const planes = this.#planesFor(rows);
    const { stride, m8 } = planes;
    heap.u8(planes.rows, x.length).set(x);
    kernels.u7_rows_c4(planes.x, planes.rows, rows, groupsOf4(this.inputs), this.inputs, stride);
    planes.multiply(planes.y, planes.x, planes.scratch, planes.tiles, m8, stride);
    kernels.u7_c4_rows(planes.rows, planes.y, rows, groupsOf4(this.outputs), stride, this.outputs);
    if (this.#table) kernels.u7_table(planes.rows, planes.rows, this.#table, out.length);
    out.set(heap.u8(planes.rows, out.length));
    return out;
  }

  /** Gives the memory back. The matrix cannot be used again. */
  dispose(): void {
    this.#engine = null;
    this.#planes = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #requantize(heap: Heap): void {
    const code = requantizer(heap, this.#post);
    const [y, sums, mult] = [
      heap.u8(this.#y, this.outputs),
      heap.i32(this.#sums, this.outputs),
      heap.f32(this.#mult, this.outputs),
    ];
    for (let n = 0; n < y.length; n++) y[n] = code(sums[n], mult[n]);
  }

  #open(): Engine<RuntimeKernel> {
    if (!this.#engine) throw new Error("the packed matrix is disposed");
    return this.#engine;
  }

  #named() {
    return { key: "w", data: this.#weights, inputs: this.inputs, outputs: this.outputs };
  }

  #planesFor(rows: number): Planes {
    if (this.#planes?.count === rows) return this.#planes;
    const engine = this.#open();
    const { heap } = engine;
    if (this.#planes) {
      for (const address of [this.#planes.rows, this.#planes.x, this.#planes.y]) heap.free(address);
      this.#planes.own.dispose();
    }
    const m8 = Math.ceil(rows / 8);
    const stride = strideFor(m8 * 32);
    const [k4, n4] = [groupsOf4(this.inputs), groupsOf4(this.outputs)];
    const alloc = (bytes: number) => {
      const address = heap.alloc(bytes + 64);
      heap.u8(address, bytes + 64).fill(0);
      return address;
    };
    const own = createStore(heap);
    this.#planes = {
      count: rows,
      own,
      m8,
      stride,
      rows: alloc(rows * Math.max(this.inputs, this.outputs)),
      x: alloc(k4 * stride),
      y: alloc(n4 * stride),
      scratch: this.#store.upload("scratch", () => new Uint8Array(PLANES_SCRATCH)),
      tiles: own.upload("tiles", () => straightTiles(m8)),
      multiply: planesCall(
        engine,
        this.#store,
        this.#named(),
        this.layout as Exclude<LayoutName, "4of16">,
        `${stride}`,
        (col) => col * stride,
        { bias: this.#bias, mult: this.#mult, post: this.#post },
        k4,
        own,
      ),
    };
    return this.#planes;
  }
}

/** What a matmul of a number of rows works with. */
interface Planes {
  readonly count: number;
  /** What belongs to this number of rows alone. */
  readonly own: Store;
  readonly m8: number;
  readonly stride: number;
  readonly rows: number;
  readonly x: number;
  readonly y: number;
  readonly scratch: number;
  readonly tiles: number;
  readonly multiply: PlanesProduct;
}

function padded<T extends Int32Array | Float32Array>(array: T, from: ArrayLike<number>): T {
  array.set(from);
  return array;
}

function checkCodes(name: string, codes: Uint8Array, length: number): void {
  if (!isA(codes, "Uint8Array")) throw new TypeError(`${name}: wanted a Uint8Array of u7 codes`);
  if (codes.length !== length) throw new RangeError(`${name}: wanted ${length} codes, got ${codes.length}`);
}

function checkOptions(w: Int8Array, options: PackOptions): void {
  const { inputs, outputs, bias, mult, zero = 0, low = 0, high = 127, table } = options;
  if (!isA(w, "Int8Array")) throw new TypeError("w: wanted an Int8Array");
  for (const [name, size] of [
    ["inputs", inputs],
    ["outputs", outputs],
  ] as const) {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RangeError(`${name}: wanted an integer >= 1, got ${size}`);
  }
  if (inputs > MAX_INPUTS)
    throw new RangeError(`inputs: wanted <= ${MAX_INPUTS} for i32 sums, got ${inputs}`);
  if (w.length !== inputs * outputs) {
    throw new RangeError(`w: wanted ${inputs} x ${outputs} = ${inputs * outputs} weights, got ${w.length}`);
  }
  const lowest = w.indexOf(-128);
  if (lowest >= 0) throw new RangeError(`w: wanted weights in [-127, 127], got -128 at ${lowest}`);
  if (bias && bias.length !== outputs)
    throw new RangeError(`bias: wanted ${outputs} numbers, got ${bias.length}`);
  const channels = mult === undefined ? [] : typeof mult === "number" ? [mult] : mult;
  if (typeof mult === "object" && mult.length !== outputs) {
    throw new RangeError(`mult: wanted ${outputs} numbers, got ${mult.length}`);
  }
  for (const one of channels) {
    if (!(one > 0 && Math.fround(one) < Number.POSITIVE_INFINITY))
      throw new RangeError(`mult: wanted finite numbers > 0, got ${one}`);
  }
  for (const [name, code] of [
    ["zero", zero],
    ["low", low],
    ["high", high],
  ] as const) {
    if (!Number.isInteger(code) || code < 0 || code > 127) {
      throw new RangeError(`${name}: wanted an integer in [0, 127], got ${code}`);
    }
  }
  if (low > high) throw new RangeError(`low: wanted at most high = ${high}, got ${low}`);
  if (table && table.length !== 128) throw new RangeError(`table: wanted 128 codes, got ${table.length}`);
}

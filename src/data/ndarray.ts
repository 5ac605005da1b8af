// What every reader of this folder returns: a shape, a typed array in row-major order, and the dtype it was
// stored as.

/** How the numbers were stored. The typed array of each is `ArrayOf[dtype]`. */
export type DType = keyof ArrayOf;

/** dtype -> the typed array that holds it. JavaScript has no array of halves, and no safe one of 64-bit
 *  integers: halves are held as f32 (exact), 64-bit integers as f64 (exact within +-(2^53 - 1)). */
export interface ArrayOf {
  bool: Uint8Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  uint32: Uint32Array;
  int32: Int32Array;
  uint64: Float64Array;
  int64: Float64Array;
  float16: Float32Array;
  float32: Float32Array;
  float64: Float64Array;
}

export type NumberArray = ArrayOf[DType];

/** An n-dimensional array: `data` holds the product of `shape` numbers, last axis fastest. */
export interface NdArray {
  readonly shape: number[];
  readonly data: NumberArray;
  readonly dtype: DType;
}

/** Bytes a number of each dtype takes in a file. */
export const ITEM_BYTES: Readonly<Record<DType, number>> = {
  bool: 1,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  int64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
};

/** The largest rank read or written; NumPy's own limit was 32 until 2.0. */
export const MAX_RANK = 32;

const LITTLE_ENDIAN_HOST = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Number of elements of a shape, or -1 where it is no safe integer. */
export function elementCount(shape: readonly number[]): number {
  // A zero anywhere makes the array empty, whatever the other sizes multiply to.
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return -1;
  }
  return count;
}

/** Copies `bytes`, whose items are `itemBytes` wide, into a fresh buffer in the byte order of this machine. */
export function toHostOrder(bytes: Uint8Array, itemBytes: number, littleEndian: boolean): ArrayBuffer {
  const copy = new Uint8Array(bytes); // new storage at offset 0: aligned for every view
  if (itemBytes > 1 && littleEndian !== LITTLE_ENDIAN_HOST) swapItems(copy, itemBytes);
  return copy.buffer;
}

function swapItems(bytes: Uint8Array, itemBytes: number): void {
  const last = itemBytes - 1;
  for (let begin = 0; begin < bytes.length; begin += itemBytes) {
    for (let i = 0, j = last; i < j; i++, j--) {
      const kept = bytes[begin + i];
      bytes[begin + i] = bytes[begin + j];
      bytes[begin + j] = kept;
    }
  }
}

/** Checks that an array's data is as long as its shape says and of the type its dtype says; throws if not. */
export function checkArray(array: NdArray, who: string): void {
  const { shape, data, dtype } = array;
  if (!Object.hasOwn(ITEM_BYTES, dtype))
    throw new TypeError(`${who}: dtype is unknown, got ${String(dtype)}`);
  if (shape.length > MAX_RANK)
    throw new RangeError(`${who}: rank is at most ${MAX_RANK}, got ${shape.length}`);
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw new RangeError(`${who}: size ${size} in shape [${shape}]`);
  }
  const count = elementCount(shape);
  if (count !== data.length) {
    throw new RangeError(`${who}: shape [${shape}] needs ${count} numbers, data has ${data.length}`);
  }
  const want = newArray(dtype, 0).constructor;
  if (data.constructor !== want) {
    throw new TypeError(`${who}: ${dtype} is held in ${want.name}, got ${data.constructor.name}`);
  }
}

/** A typed array of `count` zeros that holds `dtype`. */
export function newArray(dtype: DType, count: number): NumberArray {
  switch (dtype) {
    case "bool":
    case "uint8":
      return new Uint8Array(count);
    case "int8":
      return new Int8Array(count);
    case "uint16":
      return new Uint16Array(count);
    case "int16":
      return new Int16Array(count);
    case "uint32":
      return new Uint32Array(count);
    case "int32":
      return new Int32Array(count);
    case "float16":
    case "float32":
      return new Float32Array(count);
    default:
      return new Float64Array(count);
  }
}

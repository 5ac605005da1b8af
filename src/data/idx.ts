// IDX, the format of MNIST: two zero bytes, a type byte, a rank byte, big-endian sizes, big-endian numbers.
//
// Format: http://yann.lecun.com/exdb/mnist (foot of the page)

import { FormatError } from "../file/errors.js";
import {
  checkArray,
  type DType,
  elementCount,
  ITEM_BYTES,
  MAX_RANK,
  type NdArray,
  type NumberArray,
  toHostOrder,
} from "./ndarray.js";

const TYPE_OF = new Map<DType, number>([
  ["uint8", 0x08],
  ["int8", 0x09],
  ["int16", 0x0b],
  ["int32", 0x0c],
  ["float32", 0x0d],
  ["float64", 0x0e],
]);
const DTYPE_OF = new Map([...TYPE_OF].map(([dtype, type]) => [type, dtype]));

/** Whether bytes begin as an IDX file does: 00 00, a known type, a rank above 0. */
export function isIdx(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0 && DTYPE_OF.has(bytes[2]) && bytes[3] > 0;
}

/**
 * Reads an IDX file.
 *
 * @param bytes the whole file, not gzipped
 * @returns shape, row-major data and dtype
 * @throws FormatError `idx-magic`, `idx-dtype`, `idx-shape` (rank 0, above 32, or sizes beyond 2^53),
 *   `idx-truncated` (ends inside the header), `idx-size` (more or fewer bytes than the shape needs)
 */
export function parseIdx(bytes: Uint8Array): NdArray {
  if (bytes.length < 2 || bytes[0] !== 0 || bytes[1] !== 0) {
    throw new FormatError("idx-magic", "idx: the file does not begin with 00 00");
  }
  if (bytes.length < 4) throw new FormatError("idx-truncated", `idx: ${bytes.length} bytes hold no header`);
  const dtype = DTYPE_OF.get(bytes[2]);
  const rank = bytes[3];
  if (dtype === undefined) {
    const got = bytes[2].toString(16).padStart(2, "0");
    throw new FormatError("idx-dtype", `idx: type is one of 08 09 0b 0c 0d 0e, got ${got}`);
  }
  if (rank === 0 || rank > MAX_RANK) {
    throw new FormatError("idx-shape", `idx: rank is in [1,${MAX_RANK}], got ${rank}`);
  }
  const begin = 4 + 4 * rank;
  if (bytes.length < begin) {
    throw new FormatError("idx-truncated", `idx: the header is ${begin} bytes, the file has ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = elementCount(shape);
  const wantBytes = count * ITEM_BYTES[dtype];
  if (count < 0 || !Number.isSafeInteger(wantBytes)) {
    throw new FormatError("idx-shape", `idx: the sizes of shape [${shape}] multiply beyond 2^53`);
  }
  if (bytes.length - begin !== wantBytes) {
    const got = bytes.length - begin;
    throw new FormatError("idx-size", `idx: ${dtype}[${shape}] is ${wantBytes} bytes, the file has ${got}`);
  }
  return {
    shape,
    data: numbersOf(toHostOrder(bytes.subarray(begin), ITEM_BYTES[dtype], false), dtype),
    dtype,
  };
}

/**
 * Writes an IDX file.
 *
 * @param array uint8, int8, int16, int32, float32 or float64, rank at least 1, sizes below 2^32
 * @returns the whole file
 * @throws RangeError or TypeError where IDX cannot hold it
 */
export function encodeIdx(array: NdArray): Uint8Array {
  checkArray(array, "idx");
  const { shape, data, dtype } = array;
  const type = TYPE_OF.get(dtype);
  if (type === undefined) throw new TypeError(`idx: holds ${[...TYPE_OF.keys()].join(", ")}; got ${dtype}`);
  if (shape.length === 0) throw new RangeError("idx: rank is at least 1, got 0");
  const begin = 4 + 4 * shape.length;
  const file = new Uint8Array(begin + data.byteLength);
  const view = new DataView(file.buffer);
  file.set([0, 0, type, shape.length]);
  shape.forEach((size, axis) => {
    if (size > 0xffffffff) throw new RangeError(`idx: a size is below 2^32, got ${size}`);
    view.setUint32(4 + 4 * axis, size);
  });
  // Swapping is its own inverse: reading this machine's bytes as big-endian makes them big-endian.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  file.set(new Uint8Array(toHostOrder(bytes, ITEM_BYTES[dtype], false)), begin);
  return file;
}

function numbersOf(buffer: ArrayBuffer, dtype: DType): NumberArray {
  switch (dtype) {
    case "int8":
      return new Int8Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

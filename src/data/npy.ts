// NumPy's .npy: magic, version, header length, a dict literal, then the raw numbers. Versions 1 to 3, both byte
// orders, C and Fortran order; what comes out is always row-major and in the byte order of this machine.

import { FormatError } from "../file/errors.js";
import { floatToHalf, halfToFloat } from "./float16.js";
import {
  checkArray,
  type DType,
  elementCount,
  ITEM_BYTES,
  MAX_RANK,
  type NdArray,
  type NumberArray,
  newArray,
  toHostOrder,
} from "./ndarray.js";
import { type NpyHeader, parseNpyHeader } from "./npy-header.js";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
// NumPy itself refuses headers above 10,000 bytes unless told to trust the file.
const MAX_HEADER_BYTES = 65_535;

const KIND_OF: Readonly<Record<DType, string>> = {
  bool: "b1",
  uint8: "u1",
  int8: "i1",
  uint16: "u2",
  int16: "i2",
  uint32: "u4",
  int32: "i4",
  uint64: "u8",
  int64: "i8",
  float16: "f2",
  float32: "f4",
  float64: "f8",
};
const DTYPE_OF = new Map(Object.entries(KIND_OF).map(([dtype, kind]) => [kind, dtype as DType]));

/** Whether bytes begin as a .npy file does. */
export function isNpy(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads a .npy file.
 *
 * @param bytes the whole file
 * @returns shape, row-major data and dtype; 64-bit integers come as f64, halves as f32, bools as 0 or 1
 * @throws FormatError `npy-magic`, `npy-version`, `npy-truncated`, `npy-header`, `npy-dtype`, `npy-shape`,
 *   `npy-size` (more or fewer bytes than the shape needs), `npy-range` (a 64-bit integer beyond 2^53 - 1,
 *   a bool neither 0 nor 1)
 */
export function parseNpy(bytes: Uint8Array): NdArray {
  if (!isNpy(bytes)) throw new FormatError("npy-magic", "npy: the file does not begin with \\x93NUMPY");
  const { header, begin } = readHeader(bytes);
  const { dtype, littleEndian } = readDescr(header.descr);
  const { shape } = header;
  if (shape.length > MAX_RANK) {
    throw new FormatError("npy-shape", `npy: rank is at most ${MAX_RANK}, got ${shape.length}`);
  }
  const count = elementCount(shape);
  const wantBytes = count * ITEM_BYTES[dtype];
  if (count < 0 || !Number.isSafeInteger(wantBytes)) {
    throw new FormatError("npy-shape", `npy: the sizes of shape [${shape}] multiply beyond 2^53`);
  }
  if (bytes.length - begin !== wantBytes) {
    const got = bytes.length - begin;
    throw new FormatError("npy-size", `npy: ${dtype}[${shape}] is ${wantBytes} bytes, the file has ${got}`);
  }
  const stored = decode(toHostOrder(bytes.subarray(begin), ITEM_BYTES[dtype], littleEndian), dtype);
  const data = header.fortranOrder ? toRowMajor(stored, shape, dtype) : stored;
  return { shape, data, dtype };
}

/**
 * Writes a .npy file, version 1, little-endian, row-major.
 *
 * @param array any dtype; 64-bit integers must be whole and within +-(2^53 - 1), halves are rounded to even
 * @returns the whole file
 * @throws RangeError or TypeError where data, shape and dtype do not belong together
 */
export function encodeNpy(array: NdArray): Uint8Array {
  checkArray(array, "npy");
  const { shape, dtype, data } = array;
  const descr = `${ITEM_BYTES[dtype] === 1 ? "|" : "<"}${KIND_OF[dtype]}`;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  let header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  header = `${header.padEnd(header.length + 63 - ((10 + header.length) % 64))}\n`; // the data begin at a multiple of 64

  const begin = 10 + header.length;
  const file = new Uint8Array(begin + data.length * ITEM_BYTES[dtype]);
  file.set(MAGIC);
  file.set([1, 0, header.length & 255, header.length >> 8], 6);
  for (let i = 0; i < header.length; i++) file[10 + i] = header.charCodeAt(i);
  writeNumbers(new DataView(file.buffer, begin), data, dtype);
  return file;
}

function readHeader(bytes: Uint8Array): { header: NpyHeader; begin: number } {
  if (bytes.length < 10) throw new FormatError("npy-truncated", `npy: ${bytes.length} bytes hold no header`);
  const [major, minor] = [bytes[6], bytes[7]];
  if (major < 1 || major > 3 || minor !== 0) {
    throw new FormatError("npy-version", `npy: version is 1.0, 2.0 or 3.0, got ${major}.${minor}`);
  }
  const begin = major === 1 ? 10 : 12;
  if (bytes.length < begin)
    throw new FormatError("npy-truncated", `npy: ${bytes.length} bytes hold no header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES) {
    throw new FormatError(
      "npy-header",
      `npy: the header is at most ${MAX_HEADER_BYTES} bytes, got ${length}`,
    );
  }
  if (begin + length > bytes.length) {
    throw new FormatError("npy-truncated", `npy: a header of ${length} bytes runs past the end of the file`);
  }
  // Every accepted header is ASCII, so latin-1 (versions 1, 2) and UTF-8 (version 3) read alike.
  const text = String.fromCharCode(...bytes.subarray(begin, begin + length));
  return { header: parseNpyHeader(text), begin: begin + length };
}

function readDescr(descr: string): { dtype: DType; littleEndian: boolean } {
  const dtype = DTYPE_OF.get(descr.slice(1));
  const order = descr[0];
  // "|" says that byte order does not matter, which is true of single bytes alone; "=" is never in a file.
  const known = order === "<" || order === ">" || (order === "|" && dtype && ITEM_BYTES[dtype] === 1);
  if (dtype === undefined || !known) {
    const why = descr.includes("O")
      ? "Python objects (pickles) are never read"
      : "not a number type read here";
    throw new FormatError("npy-dtype", `npy: dtype "${descr}": ${why}`);
  }
  return { dtype, littleEndian: order !== ">" };
}

function decode(buffer: ArrayBuffer, dtype: DType): NumberArray {
  switch (dtype) {
    case "bool": {
      const flags = new Uint8Array(buffer);
      const wrong = flags.findIndex((flag) => flag > 1);
      if (wrong >= 0) throw new FormatError("npy-range", `npy: bool ${wrong} is 0 or 1, got ${flags[wrong]}`);
      return flags;
    }
    case "uint8":
      return new Uint8Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "uint16":
      return new Uint16Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "uint32":
      return new Uint32Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "uint64":
      return safeIntegers(new BigUint64Array(buffer));
    case "int64":
      return safeIntegers(new BigInt64Array(buffer));
    case "float16":
      return Float32Array.from(new Uint16Array(buffer), halfToFloat);
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
  }
}

function safeIntegers(wide: BigInt64Array | BigUint64Array): Float64Array {
  const numbers = new Float64Array(wide.length);
  for (let i = 0; i < wide.length; i++) {
    numbers[i] = Number(wide[i]);
    if (!Number.isSafeInteger(numbers[i])) {
      throw new FormatError("npy-range", `npy: integer ${i} is ${wide[i]}, beyond +-(2^53 - 1)`);
    }
  }
  return numbers;
}

/** First axis fastest -> last axis fastest, by walking the target and counting up its index. */
function toRowMajor(source: NumberArray, shape: readonly number[], dtype: DType): NumberArray {
  if (shape.length < 2 || source.length === 0) return source;
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  const index = shape.map(() => 0);
  const target = newArray(dtype, source.length);
  let from = 0;
  for (let to = 0; to < target.length; to++) {
    target[to] = source[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return target;
}

function writeNumbers(view: DataView, data: NumberArray, dtype: DType): void {
  const bytes = ITEM_BYTES[dtype];
  for (let i = 0; i < data.length; i++) writeNumber(view, i * bytes, data[i], dtype);
}

function writeNumber(view: DataView, at: number, value: number, dtype: DType): void {
  if (dtype === "float16") view.setUint16(at, floatToHalf(value), true);
  else if (dtype === "float32") view.setFloat32(at, value, true);
  else if (dtype === "float64") view.setFloat64(at, value, true);
  else if (dtype === "int64" || dtype === "uint64") {
    if (!Number.isSafeInteger(value) || (dtype === "uint64" && value < 0)) {
      throw new RangeError(`npy: ${value} is no ${dtype} within 2^53 - 1`);
    }
    view.setBigInt64(at, BigInt(value), true);
  } else if (dtype === "uint32" || dtype === "int32") view.setInt32(at, value, true);
  else if (dtype === "uint16" || dtype === "int16") view.setInt16(at, value, true);
  else {
    if (dtype === "bool" && value > 1) throw new RangeError(`npy: a bool is 0 or 1, got ${value}`);
    view.setInt8(at, value);
  }
}

/** Types and shapes of datasets and attributes, and the values that their bytes are. */

import { halfToSingle } from "../../graph/index.js";
import { Cursor, corrupt, decodeText, type Hdf5Source, unsupported } from "./cursor.js";

export type Datatype =
  | { readonly kind: "integer"; readonly size: number; readonly signed: boolean; readonly little: boolean }
  | { readonly kind: "float"; readonly size: number; readonly little: boolean }
  | { readonly kind: "string"; readonly size: number }
  | { readonly kind: "text"; readonly size: number }
  | { readonly kind: "opaque"; readonly size: number }
  | { readonly kind: "other"; readonly size: number; readonly code: number };

const classes = { integer: 0, float: 1, string: 3, opaque: 5, enumeration: 8, variable: 9 } as const;

export function readDatatype(cursor: Cursor): Datatype {
  const code = cursor.u8() & 15;
  const bits = cursor.u8();
  cursor.skip(2);
  const size = cursor.u32();
  if (size < 1) throw corrupt("datatype: want a size of at least 1, got 0");
  switch (code) {
    case classes.integer:
      return { kind: "integer", size, signed: (bits & 8) !== 0, little: (bits & 1) === 0 };
    case classes.float:
      return { kind: "float", size, little: (bits & 1) === 0 };
    case classes.string:
      return { kind: "string", size };
    case classes.opaque:
      return { kind: "opaque", size };
    case classes.enumeration: {
      // h5py's booleans, of which the numbers are what counts.
      const base = readDatatype(cursor);
      return base.kind === "integer" && base.size === size ? base : { kind: "other", size, code };
    }
    case classes.variable:
      return (bits & 15) === 1 ? { kind: "text", size } : { kind: "other", size, code };
    default:
      return { kind: "other", size, code };
  }
}

/** As the format and numpy have it. */
const maxRank = 32;

/** Sizes; none for a scalar, undefined where there is no value at all. */
export function readDataspace(cursor: Cursor): readonly number[] | undefined {
  const version = cursor.u8();
  const rank = cursor.u8();
  cursor.skip(1);
  const kind = cursor.u8();
  if (version === 1) cursor.skip(4);
  else if (version !== 2) throw corrupt(`dataspace: want version 1 or 2, got ${version}`);
  if (rank > maxRank) throw corrupt(`dataspace: want a rank of at most ${maxRank}, got ${rank}`);
  if (version === 2 && kind === 2) return undefined;
  return Array.from({ length: rank }, () => cursor.length());
}

/** @throws FormatError where the product is no number of elements */
export function countOf(shape: readonly number[]): number {
  const count = shape.reduce((product, size) => product * size, 1);
  if (Number.isSafeInteger(count)) return count;
  throw corrupt(`shape [${shape}]: want at most 2^53 elements`);
}

/** Bytes of numbers, in the order of the machine: float32 for floats of any width, int32 for integers. */
export interface Numbers {
  readonly dtype: "float32" | "int32";
  readonly data: Uint8Array;
}

/**
 * @param bytes of `count` elements
 * @param bfloat16 whether opaque pairs of bytes are such floats, as Keras writes them
 * @returns undefined for what are no numbers
 */
export function decodeNumbers(
  bytes: Uint8Array,
  type: Datatype,
  count: number,
  bfloat16 = false,
): Numbers | undefined {
  if (type.kind === "float" && type.size === 4 && type.little) return { dtype: "float32", data: bytes };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = reader(view, type, bfloat16);
  if (!read) return undefined;
  const values = type.kind === "integer" ? new Int32Array(count) : new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = read(i * type.size);
  const dtype = type.kind === "integer" ? "int32" : "float32";
  return { dtype, data: new Uint8Array(values.buffer) };
}

function reader(view: DataView, type: Datatype, bfloat16: boolean): ((at: number) => number) | undefined {
  if (type.kind === "opaque" && type.size === 2 && bfloat16) {
    const word = new DataView(new ArrayBuffer(4));
    return (at) => {
      word.setUint32(0, view.getUint16(at, true) << 16);
      return word.getFloat32(0);
    };
  }
  if (type.kind === "float") {
    const { size, little } = type;
    if (size === 2) return (at) => halfToSingle(view.getUint16(at, little));
    if (size === 4) return (at) => view.getFloat32(at, little);
    if (size === 8) return (at) => view.getFloat64(at, little);
  }
  if (type.kind === "integer") {
    const { size, signed, little } = type;
    if (size === 1) return (at) => (signed ? view.getInt8(at) : view.getUint8(at));
    if (size === 2) return (at) => (signed ? view.getInt16(at, little) : view.getUint16(at, little));
    if (size === 4) return (at) => (signed ? view.getInt32(at, little) : view.getUint32(at, little));
    if (size === 8) return (at) => Number(BigInt.asIntN(32, view.getBigInt64(at, little)));
  }
  return undefined;
}

/** @throws FormatError for what is no text */
export function decodeTexts(source: Hdf5Source, cursor: Cursor, type: Datatype, count: number): string[] {
  if (type.kind !== "string" && type.kind !== "text") throw unsupported(`want text, got ${type.kind}`);
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    source.budget.step();
    if (type.kind === "string") {
      source.budget.bytes(type.size);
      texts.push(cursor.text(type.size));
    } else {
      texts.push(readVariable(source, cursor));
    }
  }
  return texts;
}

/** Text of any length, which lies in a heap that all of the file shares. */
function readVariable(source: Hdf5Source, cursor: Cursor): string {
  const size = cursor.u32();
  const address = cursor.address();
  const index = cursor.u32();
  if (size === 0 || address === undefined || address === 0) return "";
  source.budget.bytes(size);
  const bytes = heapObject(source, address, index);
  if (bytes.length < size) throw corrupt(`global heap: want ${size} bytes of text, got ${bytes.length}`);
  return decodeText(bytes.subarray(0, size));
}

function heapObject(source: Hdf5Source, address: number, wanted: number): Uint8Array {
  const head = Cursor.to(source, address);
  head.want("GCOL");
  head.skip(4);
  const size = head.length();
  const cursor = Cursor.to(source, address, size);
  cursor.skip(head.at - cursor.at);
  while (cursor.left >= 8 + source.lengthSize) {
    source.budget.step();
    const index = cursor.u16();
    cursor.skip(6);
    const length = cursor.length();
    if (index === wanted) return cursor.bytes(length);
    // 0 is the free space at the end.
    if (index === 0) break;
    cursor.skip(Math.min(Math.ceil(length / 8) * 8, cursor.left));
  }
  throw corrupt(`global heap at ${address}: has no object ${wanted}`);
}

/** What protocol buffers are made of: fields of four kinds, one after the other (protobuf.dev, "Encoding"). */

/** Bytes of one field or of many; a message is its fields in a row. */
export type Fields = readonly Uint8Array[];

const VARINT = 0;
const DELIMITED = 2;
const FIXED32 = 5;

/**
 * Seven bits a byte, the lowest first, the top bit set in all but the last.
 *
 * @param value safe integer; a negative one as its 64-bit two's complement, which takes 10 bytes
 */
export function varint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value)) throw new RangeError(`varint: wanted a safe integer, got ${value}`);
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.of(...bytes, Number(rest));
}

/** @param field number of the field, from 1 */
export function integer(field: number, value: number): Uint8Array {
  return concatBytes([tag(field, VARINT), varint(value)]);
}

/** f32, little endian. */
export function float(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return concatBytes([tag(field, FIXED32), bytes]);
}

/** UTF-8. */
export function text(field: number, value: string): Uint8Array {
  return delimited(field, new TextEncoder().encode(value));
}

export function delimited(field: number, bytes: Uint8Array): Uint8Array {
  return concatBytes([tag(field, DELIMITED), varint(bytes.length), bytes]);
}

/** A message within a message. */
export function message(field: number, fields: Fields): Uint8Array {
  return delimited(field, concatBytes(fields));
}

export function concatBytes(parts: Fields): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const tag = (field: number, kind: number): Uint8Array => varint(field * 8 + kind);

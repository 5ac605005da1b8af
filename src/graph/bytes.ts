/** Bytes in whatever holds them. */

/** A buffer or a view of one: an ArrayBuffer, a SharedArrayBuffer, a typed array, a DataView, a Buffer of Node. */
export type Bytes = ArrayBufferLike | ArrayBufferView;

/** The built-in class of a value: "Uint8Array". Unlike `instanceof` it knows those of other realms, such as a test runner's or an iframe's. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/**
 * The bytes of a buffer or of what a view shows of one.
 *
 * @returns a plain Uint8Array over the same memory; a copy of memory that may change or shrink meanwhile, which
 *   platforms refuse to decode; undefined for what holds no bytes
 */
export function bytesOf(value: unknown): Uint8Array<ArrayBuffer> | undefined {
  const isView = ArrayBuffer.isView(value);
  if (!isView && !/^(Shared)?ArrayBuffer$/.test(kindOf(value))) return undefined;
  const buffer = (isView ? value.buffer : value) as ArrayBuffer & { resizable?: boolean };
  const bytes = isView ? new Uint8Array(buffer, value.byteOffset, value.byteLength) : new Uint8Array(buffer);
  return buffer.resizable || kindOf(buffer) !== "ArrayBuffer" ? bytes.slice() : bytes;
}

import { FormatError } from "./errors.js";
import { asArray, asObject, asRecord, asSize, asSizes, asString, byteSize } from "./fields.js";
import { type JsonObject, parseJson } from "./strict-json.js";
import { decodeUtf8 } from "./utf8.js";

/**
 * Reading safetensors: a u64 header length, that much JSON, then one buffer that the tensors cover
 * without hole or overlap. https://github.com/huggingface/safetensors#format
 */

export interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** A view of the file: nothing is copied. */
  readonly bytes: Uint8Array;
}

export interface Container {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

const maxHeaderBytes = 16 * 2 ** 20;
const maxTensors = 100_000;

// biome-ignore format: a table reads best in rows
const widths: Readonly<Record<string, number>> = {
  BOOL: 1, U8: 1, I8: 1, F8_E5M2: 1, F8_E4M3: 1,
  I16: 2, U16: 2, F16: 2, BF16: 2,
  I32: 4, U32: 4, F32: 4,
  I64: 8, U64: 8, F64: 8,
};

/** Bytes of an element of a dtype that safetensors has. */
export function dtypeBytes(dtype: string): number | undefined {
  return Object.hasOwn(widths, dtype) ? widths[dtype] : undefined;
}

/**
 * Reads a safetensors file, trusting nothing in it.
 *
 * @param bytes the whole file
 * @param source where it is from, for messages: a path or URL
 * @throws FormatError container-*, header-*, json-*, number-*, layout-*, dtype-unknown, tensors-many
 */
export function readContainer(bytes: Uint8Array, source?: string): Container {
  const start = 8 + headerLength(bytes, source);
  const header = asObject(parseJson(headerText(bytes.subarray(8, start)), "header"), "header");
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  if (names.length > maxTensors) {
    throw new FormatError("tensors-many", `want at most ${maxTensors} tensors, got ${names.length}`);
  }
  const data = bytes.subarray(start);
  const spans = names
    .map((name) => span(name, header, data.length))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, StoredTensor>();
  let covered = 0;
  for (const { name, dtype, shape, begin, end } of spans) {
    const kind = begin < covered ? "overlap" : "hole";
    if (begin !== covered) {
      throw new FormatError(`layout-${kind}`, `${name}: ${kind} at byte ${begin}, want ${covered}`);
    }
    covered = end;
    tensors.set(name, { dtype, shape, bytes: data.subarray(begin, end) });
  }
  if (covered < data.length) {
    throw new FormatError("layout-trailing", `${data.length - covered} bytes after the last tensor`);
  }
  return { metadata: readMetadata(header), tensors };
}

function headerLength(bytes: Uint8Array, source: string | undefined): number {
  if (bytes.length === 0) throw new FormatError("container-empty", "the file is empty");
  refuseHtml(bytes, source);
  if (bytes.length < 8) {
    throw new FormatError("container-short", `want at least 8 bytes, got ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const high = view.getUint32(4, true);
  const length = high * 2 ** 32 + view.getUint32(0, true);
  if (high >= 2 ** 21)
    throw new FormatError("header-overflow", "header length is 2^53 or more: not a .pare file");
  if (length === 0) throw new FormatError("header-empty", "header length is 0");
  if (length > maxHeaderBytes) {
    throw new FormatError("header-large", `want a header of at most ${maxHeaderBytes} bytes, got ${length}`);
  }
  if (length > bytes.length - 8) {
    const have = bytes.length - 8;
    throw new FormatError("header-past-end", `header is ${length} bytes, the file has ${have}: truncated?`);
  }
  return length;
}

/** Servers answer a wrong URL with a page and status 200. No safetensors file can start like one. */
export function refuseHtml(bytes: Uint8Array, source: string | undefined): void {
  const start = String.fromCharCode(...bytes.subarray(0, 128));
  if (/^(?:\xef\xbb\xbf)?\s*<(?:!doctype|!--|html|head|\?xml)/i.test(start)) {
    throw new FormatError("container-html", `the server sent HTML for URL ${source ?? "(unknown)"}`);
  }
}

function headerText(bytes: Uint8Array): string {
  // A byte order mark stays in the text, where JSON refuses it.
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new FormatError("header-utf8", "header is not UTF-8");
  return text;
}

function readMetadata(header: JsonObject): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  const stored = "__metadata__" in header ? asObject(header.__metadata__, "__metadata__") : {};
  for (const key in stored) metadata[key] = asString(stored[key], `__metadata__.${key}`);
  return metadata;
}

function span(name: string, header: JsonObject, dataBytes: number) {
  const entry = asRecord(header[name], name, ["dtype", "shape", "data_offsets"]);
  const dtype = asString(entry.dtype, `${name}: dtype`);
  const elementBytes = dtypeBytes(dtype);
  if (elementBytes === undefined) throw new FormatError("dtype-unknown", `${name}: dtype "${dtype}"`);
  const shape = asSizes(entry.shape, `${name}: shape`);
  const offsets = asArray(entry.data_offsets, `${name}: data_offsets`);
  if (offsets.length !== 2) {
    throw new FormatError("layout-offsets", `${name}: want 2 data_offsets, got ${offsets.length}`);
  }
  const begin = asSize(offsets[0], `${name}: begin`);
  const end = asSize(offsets[1], `${name}: end`);
  if (end < begin) throw new FormatError("layout-reversed", `${name}: end ${end} is before begin ${begin}`);
  if (end > dataBytes) {
    throw new FormatError("layout-past-end", `${name}: ends at ${end} of ${dataBytes} bytes: truncated?`);
  }
  const want = byteSize(shape, elementBytes, name);
  if (want !== end - begin) {
    throw new FormatError("layout-size", `${name}: ${dtype} [${shape}] is ${want} bytes, got ${end - begin}`);
  }
  return { name, dtype, shape, begin, end };
}

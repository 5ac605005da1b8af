/** Zip archives (PKWARE's APPNOTE 6.3), read without trusting them: a list of entries, and the bytes of one. */

import { crc32 } from "./crc32.js";
import { FormatError } from "./errors.js";
import { inflateAs } from "./streams.js";

export interface ZipFile {
  readonly names: readonly string[];
  /**
   * @param maxBytes that it may have
   * @returns undefined where there is no entry of this name
   * @throws FormatError zip-corrupt, zip-unsupported, zip-large, stream-*
   */
  read(name: string, maxBytes: number): Promise<Uint8Array | undefined>;
}

interface Entry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  /** Of its local header. */
  readonly at: number;
}

/** Whether bytes begin as an archive with entries does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
}

/** @throws FormatError zip-corrupt, zip-unsupported */
export function openZip(bytes: Uint8Array): ZipFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const directory = findDirectory(view);
  const entries = readDirectory(view, directory);
  refuseOverlap([...entries.values()], directory.at);
  return {
    names: [...entries.keys()],
    async read(name, maxBytes) {
      const entry = entries.get(name);
      if (!entry) return undefined;
      const packed = packedBytes(view, entry, directory.at);
      if (entry.size > maxBytes)
        throw new FormatError("zip-large", `${name}: ${entry.size} bytes, at most ${maxBytes}`);
      const plain = entry.method === 0 ? packed : await inflateAs("deflate-raw", packed, entry.size, name);
      if (crc32(plain) !== entry.crc) throw corrupt(`${name}: its checksum is another`);
      return plain;
    },
  };
}

const corrupt = (message: string) => new FormatError("zip-corrupt", message);
const unsupported = (message: string) => new FormatError("zip-unsupported", message);

interface Directory {
  readonly at: number;
  readonly size: number;
  readonly count: number;
}

const endBytes = 22;
const locatorBytes = 20;

/** The end of the archive says where its directory is; a comment of any bytes may follow it. */
function findDirectory(view: DataView): Directory {
  const length = view.byteLength;
  const first = Math.max(0, length - endBytes - 0xffff);
  for (let at = length - endBytes; at >= first; at--) {
    if (view.getUint32(at, true) !== 0x06054b50 || at + endBytes + view.getUint16(at + 20, true) !== length)
      continue;
    const plain = {
      count: view.getUint16(at + 10, true),
      size: view.getUint32(at + 12, true),
      at: view.getUint32(at + 16, true),
    };
    const is64 = plain.count === 0xffff || plain.size === 0xffffffff || plain.at === 0xffffffff;
    const directory = is64 ? (findDirectory64(view, at) ?? plain) : plain;
    if (directory.at + directory.size > at) {
      throw corrupt(`want a directory of ${directory.size} bytes at ${directory.at}, before byte ${at}`);
    }
    return directory;
  }
  throw corrupt("want the end of a zip archive, got none: the file is cut short, or something follows it");
}

function findDirectory64(view: DataView, end: number): Directory | undefined {
  const locator = end - locatorBytes;
  if (locator < 0 || view.getUint32(locator, true) !== 0x07064b50) return undefined;
  const at = number64(view, locator + 8);
  if (at + 56 > locator || view.getUint32(at, true) !== 0x06064b50)
    throw corrupt("zip64: want its end record");
  return {
    count: number64(view, at + 32),
    size: number64(view, at + 40),
    at: number64(view, at + 48),
  };
}

function number64(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(`want a number below 2^53, got ${value}`);
  return Number(value);
}

function readDirectory(view: DataView, { at: begin, size, count }: Directory): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  const end = begin + size;
  let at = begin;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50)
      throw corrupt(`want ${count} entries, got ${i}`);
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const next = at + 46 + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (next > end) throw corrupt(`entry ${i} reaches beyond the directory`);
    const name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + 46, nameBytes));
    if (entries.has(name)) throw corrupt(`has ${JSON.stringify(name)} twice`);
    entries.set(name, {
      name,
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      ...sizesOf(view, at, at + 46 + nameBytes, extraBytes),
    });
    at = next;
  }
  return entries;
}

/** Numbers that do not fit 32 bits stand in an extra field, those alone and in this order. */
function sizesOf(view: DataView, entry: number, extra: number, extraBytes: number) {
  const plain = {
    size: view.getUint32(entry + 24, true),
    packedSize: view.getUint32(entry + 20, true),
    at: view.getUint32(entry + 42, true),
  };
  const wide = (["size", "packedSize", "at"] as const).filter((key) => plain[key] === 0xffffffff);
  if (wide.length === 0) return plain;
  const end = extra + extraBytes;
  for (let at = extra; at + 4 <= end; ) {
    const length = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1 && length >= 8 * wide.length && at + 4 + length <= end) {
      return { ...plain, ...Object.fromEntries(wide.map((key, i) => [key, number64(view, at + 4 + 8 * i)])) };
    }
    at += 4 + length;
  }
  throw corrupt("zip64: want sizes of 64 bits");
}

/** Entries that share bytes make a small archive as large as one likes. */
function refuseOverlap(entries: readonly Entry[], directory: number): void {
  const sorted = [...entries].sort((a, b) => a.at - b.at);
  for (const [i, { name, at, packedSize }] of sorted.entries()) {
    // A local header has at least 30 bytes and the name.
    const end = at + 30 + packedSize;
    const next = sorted[i + 1]?.at ?? directory;
    if (end > next) throw corrupt(`${JSON.stringify(name)} reaches into what follows it`);
  }
}

function packedBytes(
  view: DataView,
  { name, flags, method, packedSize, size, at }: Entry,
  end: number,
): Uint8Array {
  if (flags & 1) throw unsupported(`${name} is encrypted`);
  if (method !== 0 && method !== 8)
    throw unsupported(`${name}: want it stored or deflated, got method ${method}`);
  if (method === 0 && packedSize !== size) throw corrupt(`${name}: want ${size} bytes, got ${packedSize}`);
  if (at + 30 > end || view.getUint32(at, true) !== 0x04034b50) throw corrupt(`${name}: want a local header`);
  const begin = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (begin + packedSize > end) throw corrupt(`${name}: want ${packedSize} bytes, got ${end - begin}`);
  return new Uint8Array(view.buffer, view.byteOffset + begin, packedSize);
}

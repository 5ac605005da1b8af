/** The bytes of a dataset: in its header, in one piece, or in chunks that may be deflated. */

import { inflate } from "../streams.js";
import { Cursor, corrupt, type Hdf5Source, unsupported } from "./cursor.js";
import { countOf } from "./datatype.js";
import { walkTree } from "./group.js";
import { type Message, messageTypes } from "./header.js";

/** @throws FormatError hdf5-*, stream-* */
export async function readData(
  source: Hdf5Source,
  messages: readonly Message[],
  shape: readonly number[],
  elementSize: number,
): Promise<Uint8Array> {
  const size = countOf(shape) * elementSize;
  const layout = messages.find(({ type }) => type === messageTypes.layout)?.open();
  if (!layout) throw corrupt("dataset: want a layout, got none");
  if (size === 0) return new Uint8Array(0);
  source.budget.bytes(size);
  const version = layout.u8();
  if (version < 3) return readOldLayout(source, layout, messages, shape, elementSize);
  const kind = layout.u8();
  if (kind === 0) return compact(layout, layout.u16(), size);
  if (kind === 1) return contiguous(source, layout.address(), layout.length(), size);
  if (kind !== 2 || version > 3) throw unsupported(`datasets of layout ${kind}, version ${version}`);
  const rank = layout.u8();
  const tree = layout.address();
  const chunk = Array.from({ length: rank }, () => layout.u32());
  return chunked(source, { tree, chunk, shape, elementSize, filters: readFilters(messages) });
}

/** Versions 1 and 2, of HDF5 before 1.6.3. */
function readOldLayout(
  source: Hdf5Source,
  layout: Cursor,
  messages: readonly Message[],
  shape: readonly number[],
  elementSize: number,
): Promise<Uint8Array> | Uint8Array {
  const size = countOf(shape) * elementSize;
  const rank = layout.u8();
  const kind = layout.u8();
  layout.skip(5);
  const address = kind === 0 ? undefined : layout.address();
  const sizes = Array.from({ length: rank }, () => layout.u32());
  if (kind === 0) return compact(layout, layout.u32(), size);
  if (kind === 1) return contiguous(source, address, size, size);
  return chunked(source, {
    tree: address,
    chunk: [...sizes, elementSize],
    shape,
    elementSize,
    filters: readFilters(messages),
  });
}

function compact(layout: Cursor, stored: number, size: number): Uint8Array {
  if (stored < size) throw corrupt(`dataset: want ${size} bytes, got ${stored}`);
  return layout.bytes(size);
}

function contiguous(
  source: Hdf5Source,
  address: number | undefined,
  stored: number,
  size: number,
): Uint8Array {
  if (address === undefined) throw corrupt(`dataset: want ${size} bytes, got none`);
  if (stored < size) throw corrupt(`dataset: want ${size} bytes, got ${stored}`);
  return Cursor.to(source, address, size).bytes(size);
}

interface Chunks {
  readonly tree: number | undefined;
  /** Sizes of a chunk in elements, and last the bytes of an element. */
  readonly chunk: readonly number[];
  readonly shape: readonly number[];
  readonly elementSize: number;
  readonly filters: readonly Filter[];
}

async function chunked(source: Hdf5Source, chunks: Chunks): Promise<Uint8Array> {
  const { tree, chunk, shape, elementSize } = chunks;
  const rank = shape.length;
  const sizes = chunk.slice(0, rank);
  if (chunk.length !== rank + 1 || sizes.some((size) => size < 1) || chunk[rank] !== elementSize) {
    throw corrupt(`dataset of [${shape}]: want chunks of as many sizes, got [${chunk}]`);
  }
  if (tree === undefined) throw corrupt("dataset: want chunks, got none");
  const chunkBytes = countOf(chunk);
  const wanted = countOf(shape.map((size, i) => Math.ceil(size / sizes[i])));
  const places: { readonly bytes: Uint8Array; readonly mask: number; readonly begin: readonly number[] }[] =
    [];
  walkTree(source, tree, 1, 8 + 8 * (rank + 1), (key, child) => {
    const stored = key.u32();
    const mask = key.u32();
    const begin = shape.map(() => key.number(8) ?? 0);
    if (begin.some((at, i) => at >= shape[i] || at % sizes[i] !== 0)) {
      throw corrupt(`dataset of [${shape}]: has a chunk at [${begin}]`);
    }
    places.push({ bytes: Cursor.to(source, child, stored).bytes(stored), mask, begin });
  });
  // All of them, each once: nothing is allocated for what is not in the file.
  if (places.length !== wanted || new Set(places.map(({ begin }) => begin.join())).size !== wanted) {
    throw corrupt(`dataset of [${shape}]: want ${wanted} chunks, got ${places.length}`);
  }
  source.budget.bytes(wanted * chunkBytes);
  const out = new Uint8Array(countOf(shape) * elementSize);
  for (const { bytes, mask, begin } of places) {
    const plain = await unfiltered(bytes, mask, chunks, chunkBytes);
    copyChunk(plain, out, begin, chunks);
  }
  return out;
}

async function unfiltered(
  stored: Uint8Array,
  mask: number,
  { filters, elementSize }: Chunks,
  chunkBytes: number,
): Promise<Uint8Array> {
  let bytes = stored;
  for (const [i, filter] of [...filters.entries()].reverse()) {
    if (mask & (1 << i)) continue;
    if (filter === "fletcher32") bytes = bytes.subarray(0, Math.max(bytes.length - 4, 0));
    // A checksum within what was deflated makes that longer.
    else if (filter === "deflate") bytes = await inflate(bytes, chunkBytes + sums(filters, i), "chunk");
    else bytes = unshuffle(bytes, elementSize);
  }
  if (bytes.length !== chunkBytes) throw corrupt(`chunk: want ${chunkBytes} bytes, got ${bytes.length}`);
  return bytes;
}

const sums = (filters: readonly Filter[], before: number) =>
  4 * filters.slice(0, before).filter((filter) => filter === "fletcher32").length;

/** Byte i of every element lies together. */
function unshuffle(bytes: Uint8Array, elementSize: number): Uint8Array {
  const count = Math.floor(bytes.length / elementSize);
  const out = bytes.slice();
  for (let b = 0; b < elementSize; b++) {
    for (let i = 0; i < count; i++) out[i * elementSize + b] = bytes[b * count + i];
  }
  return out;
}

/** Row by row; chunks at the edge reach beyond it. */
function copyChunk(
  from: Uint8Array,
  to: Uint8Array,
  begin: readonly number[],
  { chunk, shape, elementSize }: Chunks,
): void {
  const rank = shape.length;
  if (rank === 0) {
    to.set(from.subarray(0, to.length));
    return;
  }
  const extent = shape.map((size, i) => Math.min(chunk[i], size - begin[i]));
  const rowBytes = extent[rank - 1] * elementSize;
  const rows = extent.slice(0, -1).reduce((product, size) => product * size, 1);
  for (let row = 0; row < rows; row++) {
    let [source, target, rest, sourceStride, targetStride] = [
      0,
      begin[rank - 1],
      row,
      chunk[rank - 1],
      shape[rank - 1],
    ];
    for (let i = rank - 2; i >= 0; i--) {
      const at = rest % extent[i];
      rest = Math.floor(rest / extent[i]);
      source += at * sourceStride;
      target += (begin[i] + at) * targetStride;
      sourceStride *= chunk[i];
      targetStride *= shape[i];
    }
    const first = source * elementSize;
    to.set(from.subarray(first, first + rowBytes), target * elementSize);
  }
}

type Filter = "deflate" | "shuffle" | "fletcher32";

const filterNames: Readonly<Record<number, Filter>> = { 1: "deflate", 2: "shuffle", 3: "fletcher32" };

function readFilters(messages: readonly Message[]): readonly Filter[] {
  const cursor = messages.find(({ type }) => type === messageTypes.filters)?.open();
  if (!cursor) return [];
  const version = cursor.u8();
  const count = cursor.u8();
  if (version === 1) cursor.skip(6);
  return Array.from({ length: count }, () => {
    const id = cursor.u16();
    const nameBytes = version === 1 || id >= 256 ? cursor.u16() : 0;
    cursor.skip(2);
    const values = cursor.u16();
    cursor.skip(version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes);
    cursor.skip(4 * (version === 1 ? values + (values % 2) : values));
    const filter = filterNames[id];
    if (filter === undefined) throw unsupported(`datasets with filter ${id}; want deflate or none`);
    return filter;
  });
}

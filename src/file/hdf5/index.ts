/**
 * HDF5 files as Keras and h5py write them, read without trusting them.
 *
 * Own, not jsfive 0.4.2, which follows a B-tree, a continuation or a heap in circles for as long as the file
 * says, and takes sizes out of headers at their word; a walk that made it safe would be this reader.
 *
 * Of the format (https://docs.hdfgroup.org/hdf5/develop/_f_m_t3.html): superblocks 0 to 3, object headers of
 * both versions, groups in B-trees, in headers and in heaps, data that is compact, contiguous or in chunks (deflate,
 * shuffle) of the B-tree that h5py makes unless told otherwise.
 */

import { Cursor, corrupt, createBudget, decodeText, type Hdf5Source } from "./cursor.js";
import { readData } from "./dataset.js";
import {
  countOf,
  type Datatype,
  decodeNumbers,
  decodeTexts,
  readDataspace,
  readDatatype,
} from "./datatype.js";
import { readDense, recordKinds } from "./dense.js";
import { readLinks } from "./group.js";
import { type Message, messageTypes, readMessages } from "./header.js";

/** A group or a dataset. */
export interface Hdf5Object {
  /** Of a group: what it holds, by name; undefined for a dataset. */
  readonly links: ReadonlyMap<string, number> | undefined;
  /** Texts of an attribute, one for each element; undefined where there is none, or it is no text. */
  texts(name: string): readonly string[] | undefined;
  /** Numbers of a dataset; undefined for what has none. */
  numbers(): Promise<Hdf5Numbers | undefined>;
}

export interface Hdf5Numbers {
  readonly shape: readonly number[];
  /** Floats of any width become float32, integers int32. */
  readonly dtype: "float32" | "int32";
  readonly data: Uint8Array;
}

export interface Hdf5File {
  readonly root: Hdf5Object;
  /** What a link leads to; always the same object for the same address. */
  open(address: number): Hdf5Object;
}

const signature = "\x89HDF\r\n\x1a\n";

/** Where the file begins in `bytes`: h5py may put a block of its user's before it. */
function beginOf(bytes: Uint8Array): number | undefined {
  for (let at = 0; at + 8 <= bytes.length; at = at === 0 ? 512 : at * 2) {
    if ([...signature].every((letter, i) => bytes[at + i] === letter.charCodeAt(0))) return at;
  }
  return undefined;
}

/** @param bytes of a file, or as many of its first as there are */
export function isHdf5(bytes: Uint8Array): boolean {
  return beginOf(bytes) !== undefined;
}

/** @throws FormatError hdf5-corrupt, hdf5-unsupported, hdf5-costly */
export function openHdf5(bytes: Uint8Array): Hdf5File {
  const begin = beginOf(bytes);
  if (begin === undefined) throw corrupt("want an HDF5 file, got other bytes");
  const { source, root } = readSuperblock(bytes, begin);
  const objects = new Map<number, Hdf5Object>();
  const open = (address: number) => {
    const object = objects.get(address) ?? openObject(source, address);
    objects.set(address, object);
    return object;
  };
  return { root: open(root), open };
}

function readSuperblock(bytes: Uint8Array, begin: number): { source: Hdf5Source; root: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const unsized = { bytes, view, base: 0, offsetSize: 8, lengthSize: 8, budget: createBudget(bytes.length) };
  const head = new Cursor(unsized, begin + 8);
  const version = head.u8();
  if (version > 3) throw corrupt(`superblock: want version 0 to 3, got ${version}`);
  if (version < 2) head.skip(4);
  const offsetSize = head.u8();
  const lengthSize = head.u8();
  if (![2, 4, 8].includes(offsetSize) || ![2, 4, 8].includes(lengthSize)) {
    throw corrupt(`superblock: want addresses of 2, 4 or 8 bytes, got ${offsetSize} and ${lengthSize}`);
  }
  const sized = { ...unsized, offsetSize, lengthSize };
  const cursor = new Cursor(sized, head.at);
  cursor.skip(version < 2 ? 1 + 4 + 4 + (version === 1 ? 4 : 0) : 1);
  const base = cursor.place("superblock");
  cursor.skip(version < 2 ? 3 * offsetSize + offsetSize : 2 * offsetSize);
  return { source: { ...sized, base }, root: cursor.place("root group") };
}

function openObject(source: Hdf5Source, address: number): Hdf5Object {
  const messages = readMessages(source, address);
  const links = readLinks(source, messages);
  let attributes: ReadonlyMap<string, Attribute> | undefined;
  return {
    links,
    texts(name) {
      attributes ??= readAttributes(source, messages);
      return attributes.get(name)?.texts(source);
    },
    async numbers() {
      const type = dataTypeOf(messages);
      const space = messages.find((message) => message.type === messageTypes.dataspace);
      const shape = space && readDataspace(space.open());
      if (!type || !shape || type.kind === "other" || type.kind === "string" || type.kind === "text")
        return undefined;
      const bytes = await readData(source, messages, shape, type.size);
      const bfloat16 = this.texts("dtype")?.[0] === "bfloat16";
      const numbers = decodeNumbers(bytes, type, countOf(shape), bfloat16);
      return numbers && { shape, ...numbers };
    },
  };
}

function dataTypeOf(messages: readonly Message[]): Datatype | undefined {
  const message = messages.find(({ type }) => type === messageTypes.datatype);
  return message && !message.shared ? readDatatype(message.open()) : undefined;
}

interface Attribute {
  texts(source: Hdf5Source): readonly string[] | undefined;
}

function readAttributes(source: Hdf5Source, messages: readonly Message[]): ReadonlyMap<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const { type, shared, open } of messages) {
    if (shared) continue;
    const stored =
      type === messageTypes.attribute
        ? [open()]
        : type === messageTypes.attributeInfo
          ? denseAttributes(source, open())
          : [];
    for (const cursor of stored) {
      const { name, attribute } = readAttribute(cursor);
      attributes.set(name, attribute);
    }
  }
  return attributes;
}

function denseAttributes(source: Hdf5Source, info: Cursor): readonly Cursor[] {
  info.skip(1);
  const flags = info.u8();
  if (flags & 1) info.skip(2);
  const heap = info.address();
  const tree = info.address();
  return heap === undefined || tree === undefined ? [] : readDense(source, heap, tree, recordKinds.attribute);
}

function readAttribute(cursor: Cursor): { name: string; attribute: Attribute } {
  const version = cursor.u8();
  const flags = cursor.u8();
  const [nameBytes, typeBytes, spaceBytes] = [cursor.u16(), cursor.u16(), cursor.u16()];
  if (version < 1 || version > 3) throw corrupt(`attribute: want version 1 to 3, got ${version}`);
  if (version === 3) cursor.skip(1);
  const padded = (size: number) => (version === 1 ? Math.ceil(size / 8) * 8 : size);
  const name = decodeText(cursor.bytes(padded(nameBytes)).subarray(0, nameBytes));
  const part = (size: number) => {
    const stretch = new Cursor(cursor.source, cursor.at, size);
    cursor.skip(padded(size));
    return stretch;
  };
  const [typePart, spacePart] = [part(typeBytes), part(spaceBytes)];
  const isShared = version > 1 && (flags & 3) !== 0;
  const { at, left } = cursor;
  return {
    name,
    attribute: {
      texts(source) {
        if (isShared) return undefined;
        const type = readDatatype(new Cursor(source, typePart.at, typePart.left));
        const shape = readDataspace(new Cursor(source, spacePart.at, spacePart.left));
        if (!shape) return [];
        // numpy's empty list is one of floats: no names.
        if (countOf(shape) === 0) return [];
        if (type.kind !== "string" && type.kind !== "text") return undefined;
        return decodeTexts(source, new Cursor(source, at, left), type, countOf(shape));
      },
    },
  };
}

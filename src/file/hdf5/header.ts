/** Object headers: the messages that say what an object is. */

import { Cursor, corrupt, type Hdf5Source } from "./cursor.js";

/** The messages that are read, by their numbers (HDF5 file format 3.0, section IV.A.2). */
export const messageTypes = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

export interface Message {
  readonly type: number;
  /** Of data that is kept elsewhere, for several objects. */
  readonly shared: boolean;
  /** A new cursor on its data. */
  open(): Cursor;
}

/** A stretch of a header that holds messages. */
interface Block {
  readonly at: number;
  readonly size: number;
}

/**
 * @param address of the object
 * @throws FormatError hdf5-*
 */
export function readMessages(source: Hdf5Source, address: number): readonly Message[] {
  const start = Cursor.to(source, address);
  return source.bytes[start.at] === 0x4f ? readVersion2(source, start) : readVersion1(source, start);
}

function readVersion1(source: Hdf5Source, start: Cursor): readonly Message[] {
  const version = start.u8();
  if (version !== 1) throw corrupt(`object header at ${start.at - 1}: want version 1 or 2, got ${version}`);
  start.skip(1 + 2 + 4);
  const size = start.u32();
  start.skip(4);
  return walkBlocks(source, { at: start.at, size }, (block) => block, {
    read(cursor) {
      const type = cursor.u16();
      const bytes = cursor.u16();
      const flags = cursor.u8();
      cursor.skip(3);
      return { type, bytes, flags };
    },
    headBytes: 8,
  });
}

function readVersion2(source: Hdf5Source, start: Cursor): readonly Message[] {
  start.want("OHDR");
  const version = start.u8();
  if (version !== 2) throw corrupt(`object header: want version 2, got ${version}`);
  const flags = start.u8();
  if (flags & 0x20) start.skip(16);
  if (flags & 0x10) start.skip(4);
  const size = start.number(1 << (flags & 3)) ?? 0;
  const ordered = (flags & 4) !== 0;
  const inner = ({ at, size }: Block) => {
    const cursor = new Cursor(source, at, size);
    cursor.want("OCHK");
    // A checksum follows the messages.
    return { at: cursor.at, size: Math.max(cursor.left - 4, 0) };
  };
  return walkBlocks(source, { at: start.at, size }, inner, {
    read(cursor) {
      const type = cursor.u8();
      const bytes = cursor.u16();
      const messageFlags = cursor.u8();
      if (ordered) cursor.skip(2);
      return { type, bytes, flags: messageFlags };
    },
    headBytes: ordered ? 6 : 4,
  });
}

interface MessageHead {
  read(cursor: Cursor): { readonly type: number; readonly bytes: number; readonly flags: number };
  readonly headBytes: number;
}

/** The messages of a block and of those that continue it, each once: a cycle of them is refused. */
function walkBlocks(
  source: Hdf5Source,
  first: Block,
  inner: (block: Block) => Block,
  head: MessageHead,
): readonly Message[] {
  const messages: Message[] = [];
  const seen = new Set<number>([first.at]);
  const waiting: Block[] = [first];
  for (let block = waiting.shift(); block; block = waiting.shift()) {
    const cursor = new Cursor(source, block.at, block.size);
    // What is left of a block and too short for a message is padding.
    while (cursor.left >= head.headBytes) {
      source.budget.step();
      const { type, bytes, flags } = head.read(cursor);
      const { at } = cursor;
      cursor.skip(bytes);
      if (type === messageTypes.continuation) {
        const next = new Cursor(source, at, bytes);
        const place = { at: source.base + next.place("continuation"), size: next.length() };
        if (seen.has(place.at)) throw corrupt(`object header: continues at ${place.at} twice`);
        seen.add(place.at);
        waiting.push(inner(place));
      } else if (type !== 0) {
        messages.push({ type, shared: (flags & 2) !== 0, open: () => new Cursor(source, at, bytes) });
      }
    }
  }
  return messages;
}

/** Groups: names and the addresses of what they stand for. */

import { Cursor, corrupt, decodeText, type Hdf5Source } from "./cursor.js";
import { readDense, recordKinds } from "./dense.js";
import { type Message, messageTypes } from "./header.js";

/** @returns undefined where the messages are those of no group */
export function readLinks(
  source: Hdf5Source,
  messages: readonly Message[],
): ReadonlyMap<string, number> | undefined {
  const links = new Map<string, number>();
  let isGroup = false;
  for (const { type, open } of messages) {
    if (type === messageTypes.symbolTable) {
      isGroup = true;
      const cursor = open();
      readSymbols(source, cursor.place("symbol table"), cursor.place("local heap"), links);
    } else if (type === messageTypes.link) {
      isGroup = true;
      readLink(open(), links);
    } else if (type === messageTypes.linkInfo) {
      isGroup = true;
      readDenseLinks(source, open(), links);
    }
  }
  return isGroup ? links : undefined;
}

function add(links: Map<string, number>, name: string, address: number): void {
  if (links.has(name)) throw corrupt(`group: has ${name} twice`);
  links.set(name, address);
}

function readLink(cursor: Cursor, links: Map<string, number>): void {
  cursor.skip(1);
  const flags = cursor.u8();
  const kind = flags & 8 ? cursor.u8() : 0;
  if (flags & 4) cursor.skip(8);
  if (flags & 0x10) cursor.skip(1);
  const size = cursor.number(1 << (flags & 3)) ?? 0;
  const name = decodeText(cursor.bytes(size));
  // Soft and external links have no address; Keras writes none.
  if (kind === 0) add(links, name, cursor.place(`link ${name}`));
}

/** Links that a heap of the group has, where it has so many. */
function readDenseLinks(source: Hdf5Source, cursor: Cursor, links: Map<string, number>): void {
  cursor.skip(1);
  const flags = cursor.u8();
  if (flags & 1) cursor.skip(8);
  const heap = cursor.address();
  const tree = cursor.address();
  if (heap === undefined || tree === undefined) return;
  for (const link of readDense(source, heap, tree, recordKinds.link)) readLink(link, links);
}

/** The members of a group as HDF5 1.6 and Keras have it: a B-tree of nodes, names in a heap. */
function readSymbols(source: Hdf5Source, tree: number, heap: number, links: Map<string, number>): void {
  const names = openHeap(source, heap);
  for (const address of leaves(source, tree)) {
    const cursor = Cursor.to(source, address);
    cursor.want("SNOD");
    cursor.skip(2);
    const count = cursor.u16();
    for (let i = 0; i < count; i++) {
      source.budget.step();
      const at = cursor.number(source.offsetSize) ?? 0;
      const object = cursor.address();
      const kind = cursor.u32();
      cursor.skip(4 + 16);
      // 2 is a soft link.
      if (object !== undefined && kind !== 2) add(links, names(at), object);
    }
  }
}

function openHeap(source: Hdf5Source, address: number): (at: number) => string {
  const head = Cursor.to(source, address);
  head.want("HEAP");
  head.skip(4);
  const size = head.length();
  head.skip(source.lengthSize);
  const data = Cursor.to(source, head.place("local heap"), size).bytes(size);
  return (at) => {
    const end = data.indexOf(0, at);
    if (end < 0) throw corrupt(`local heap: has no name at ${at}`);
    source.budget.bytes(end - at);
    return decodeText(data.subarray(at, end));
  };
}

/** Addresses of the leaves of a B-tree of groups, in order. */
function leaves(source: Hdf5Source, root: number): readonly number[] {
  const found: number[] = [];
  walkTree(source, root, 0, source.lengthSize, (_key, child) => found.push(child));
  return found;
}

/**
 * Visits the children of all leaf nodes of a B-tree (version 1), each node once.
 *
 * @param type 0 for groups, 1 for chunks of data
 * @param visit gets the key before a child, and the child's address
 */
export function walkTree(
  source: Hdf5Source,
  root: number,
  type: number,
  keySize: number,
  visit: (key: Cursor, child: number) => void,
): void {
  const seen = new Set<number>();
  const waiting = [root];
  for (let address = waiting.pop(); address !== undefined; address = waiting.pop()) {
    if (seen.has(address)) throw corrupt(`B-tree: leads to its node at ${address} twice`);
    seen.add(address);
    source.budget.step();
    const cursor = Cursor.to(source, address);
    cursor.want("TREE");
    const got = cursor.u8();
    if (got !== type) throw corrupt(`B-tree: want nodes of type ${type}, got ${got}`);
    const level = cursor.u8();
    const count = cursor.u16();
    cursor.skip(2 * source.offsetSize);
    const children: number[] = [];
    for (let i = 0; i < count; i++) {
      source.budget.step();
      const key = new Cursor(source, cursor.at, Math.min(keySize, cursor.left));
      cursor.skip(keySize);
      const child = cursor.place("B-tree");
      if (level === 0) visit(key, child);
      else children.push(child);
    }
    // In order, for whoever reads names in the order in which they were sorted.
    waiting.push(...children.reverse());
  }
}

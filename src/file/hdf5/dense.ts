/**
 * Dense storage: what HDF5 1.8 and later keep of groups with many members, or of objects with many attributes, if
 * asked for (h5py's libver="latest"). A B-tree (version 2) has an id for each; a fractal heap has what the id leads to.
 */

import { Cursor, corrupt, type Hdf5Source, unsupported } from "./cursor.js";

/** Where the id of an object stands in the records of a tree. */
interface RecordKind {
  readonly type: number;
  readonly idAt: number;
}

/** By names: links after a hash of their name, attributes before it. */
export const recordKinds = { link: { type: 5, idAt: 4 }, attribute: { type: 8, idAt: 0 } } as const;

/** The objects that a tree leads to in a heap, in the tree's order. */
export function readDense(
  source: Hdf5Source,
  heapAt: number,
  treeAt: number,
  kind: RecordKind,
): readonly Cursor[] {
  const heap = openHeap(source, heapAt);
  return readRecords(source, treeAt, kind.type).map((record) => {
    record.skip(kind.idAt);
    return heap(record);
  });
}

interface Tree {
  readonly nodeSize: number;
  readonly recordSize: number;
  readonly type: number;
  readonly seen: Set<number>;
}

function readRecords(source: Hdf5Source, address: number, type: number): readonly Cursor[] {
  const head = Cursor.to(source, address);
  head.want("BTHD");
  head.skip(1);
  const got = head.u8();
  if (got !== type) throw corrupt(`B-tree: want records of type ${type}, got ${got}`);
  const nodeSize = head.u32();
  const recordSize = head.u16();
  const depth = head.u16();
  head.skip(2);
  const root = head.address();
  const count = head.u16();
  const records: Cursor[] = [];
  if (root === undefined) return records;
  if (recordSize < 1 || depth > 16) throw corrupt(`B-tree: records of ${recordSize} bytes, ${depth} deep`);
  readNode(source, { nodeSize, recordSize, type, seen: new Set() }, { address: root, count, depth }, records);
  return records;
}

interface TreeNode {
  readonly address: number;
  readonly count: number;
  /** 0 for a leaf. */
  readonly depth: number;
}

/** Signature, version, type; and a checksum after all else. */
const nodeOverhead = 10;

function readNode(
  source: Hdf5Source,
  tree: Tree,
  { address, count, depth }: TreeNode,
  records: Cursor[],
): void {
  if (tree.seen.has(address)) throw corrupt(`B-tree: leads to its node at ${address} twice`);
  tree.seen.add(address);
  const cursor = Cursor.to(
    source,
    address,
    Math.min(tree.nodeSize, source.bytes.length - source.base - address),
  );
  cursor.want(depth === 0 ? "BTLF" : "BTIN");
  cursor.skip(2);
  const own = Array.from({ length: count }, () => {
    source.budget.step();
    const record = new Cursor(source, cursor.at, Math.min(tree.recordSize, cursor.left));
    cursor.skip(tree.recordSize);
    return record;
  });
  if (depth === 0) {
    for (const record of own) records.push(record);
    return;
  }
  const { countSize, totalSize } = pointerSizes(source, tree, depth);
  for (let i = 0; i <= count; i++) {
    const child = cursor.place("B-tree");
    const childCount = number(cursor, countSize);
    if (depth > 1) cursor.skip(totalSize);
    readNode(source, tree, { address: child, count: childCount, depth: depth - 1 }, records);
    if (i < count) records.push(own[i]);
  }
}

/** Bytes of the numbers beside a pointer to a node, which are as many as the largest such number needs. */
function pointerSizes(source: Hdf5Source, { nodeSize, recordSize }: Tree, depth: number) {
  let most = Math.floor((nodeSize - nodeOverhead) / recordSize);
  const countSize = bytesFor(most);
  let total = most;
  let totalSize = 0;
  for (let level = 1; level < depth; level++) {
    const pointer = source.offsetSize + countSize + totalSize;
    most = Math.floor((nodeSize - nodeOverhead - pointer) / (recordSize + pointer));
    total = (most + 1) * total + most;
    totalSize = bytesFor(total);
  }
  return { countSize, totalSize };
}

const bytesFor = (most: number) => Math.max(1, Math.ceil(Math.log2(most + 1) / 8));

/** An unsigned number of any few bytes. */
function number(cursor: Cursor, size: number): number {
  return cursor.bytes(size).reduceRight((value, byte) => value * 256 + byte, 0);
}

interface Heap {
  readonly width: number;
  readonly startSize: number;
  readonly maxDirectSize: number;
  /** Bytes of an offset in the heap. */
  readonly offsetBytes: number;
}

/** @returns what opens the object of an id, which the cursor is at */
function openHeap(source: Hdf5Source, address: number): (id: Cursor) => Cursor {
  const head = Cursor.to(source, address);
  head.want("FRHP");
  head.skip(1 + 2);
  if (head.u16() > 0) throw unsupported("heaps of groups that are deflated");
  head.skip(1);
  const maxObject = head.u32();
  head.skip(
    source.lengthSize + source.offsetSize + source.lengthSize + source.offsetSize + 8 * source.lengthSize,
  );
  const width = head.u16();
  const startSize = head.length();
  const maxDirectSize = head.length();
  const offsetBytes = Math.ceil(head.u16() / 8);
  head.skip(2);
  const root = head.place("fractal heap");
  const rows = head.u16();
  if (width < 1 || startSize < 1 || maxDirectSize < startSize || offsetBytes < 1 || offsetBytes > 6) {
    throw corrupt("fractal heap: wanted blocks of some bytes");
  }
  const heap = { width, startSize, maxDirectSize, offsetBytes };
  const lengthBytes = Math.min(bytesFor(maxDirectSize), bytesFor(maxObject));
  return (id) => {
    source.budget.step();
    const flags = id.u8();
    if ((flags & 0x30) !== 0) throw unsupported("members of groups that are kept apart from their heap");
    const offset = number(id, offsetBytes);
    const length = number(id, lengthBytes);
    source.budget.bytes(length);
    const block =
      rows === 0 ? { address: root, begin: 0 } : findBlock(source, heap, { address: root, rows }, offset);
    return Cursor.to(source, block.address + offset - block.begin, length);
  };
}

interface Indirect {
  readonly address: number;
  readonly rows: number;
}

/** The block that holds an offset: those of a row have one size, twice that of the row before. */
function findBlock(source: Hdf5Source, heap: Heap, root: Indirect, offset: number) {
  let { address, rows } = root;
  let begin = 0;
  const directRows = Math.log2(heap.maxDirectSize / heap.startSize) + 2;
  // Each step goes to a block that is smaller, so that there are not many.
  for (;;) {
    let size = heap.startSize;
    let row = 0;
    while (row < rows && offset >= begin + size * heap.width) {
      begin += size * heap.width;
      if (row > 0) size *= 2;
      row++;
    }
    if (row >= rows) throw corrupt(`fractal heap: has no byte ${offset}`);
    const column = Math.floor((offset - begin) / size);
    begin += column * size;
    const cursor = Cursor.to(source, address);
    cursor.want("FHIB");
    cursor.skip(1 + source.offsetSize + heap.offsetBytes + (row * heap.width + column) * source.offsetSize);
    address = cursor.place("fractal heap");
    if (row < directRows) return { address, begin };
    source.budget.step();
    const inner = Math.log2(size / (heap.startSize * heap.width)) + 1;
    if (!(inner >= 1 && inner < rows)) throw corrupt("fractal heap: wanted blocks that grow smaller");
    rows = inner;
  }
}

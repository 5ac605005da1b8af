/**
 * Memory that kernels work in, handed out in blocks.
 *
 * Addresses stay good when the memory grows; views do not (their length becomes 0 and writes to
 * them vanish), so a view is made after the last allocation, never kept across one.
 */

const ALIGNMENT = 64;
const PAGE = 65_536;

/** What a heap lives in: a WebAssembly.Memory, or a plain buffer for the reference kernels. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  /** Grows by whole pages of 64 KiB; throws a RangeError when there is no room. */
  grow(pages: number): unknown;
}

/** A memory without WebAssembly. */
export class PlainMemory implements Memory {
  buffer = new ArrayBuffer(PAGE);

  grow(pages: number): void {
    const grown = new ArrayBuffer(this.buffer.byteLength + pages * PAGE);
    new Uint8Array(grown).set(new Uint8Array(this.buffer));
    this.buffer = grown;
  }
}

/** Hands out and takes back blocks; `free(0)` does nothing. */
export interface Allocator {
  alloc(bytes: number): number;
  free(address: number): void;
}

export type Scope = (bytes: number) => number;

export class Heap {
  readonly #memory: Memory;
  readonly #allocator: Allocator;

  constructor(memory: Memory, allocator: Allocator = new FirstFit(memory)) {
    this.#memory = memory;
    this.#allocator = allocator;
  }

  get memory(): Memory {
    return this.#memory;
  }

  get buffer(): ArrayBuffer {
    return this.#memory.buffer;
  }

  /** Address of a new block, 64-byte aligned. Its bytes are not cleared. */
  alloc(bytes: number): number {
    return this.#allocator.alloc(bytes);
  }

  free(address: number): void {
    this.#allocator.free(address);
  }

  /** Runs f with an allocator whose blocks are all freed when it returns or throws. */
  run<T>(f: (alloc: Scope) => T): T {
    const blocks: number[] = [];
    try {
      return f((bytes) => {
        const address = this.alloc(bytes);
        blocks.push(address);
        return address;
      });
    } finally {
      for (const address of blocks) this.free(address);
    }
  }

  u8(address: number, length: number): Uint8Array {
    return new Uint8Array(this.buffer, address, length);
  }

  s8(address: number, length: number): Int8Array {
    return new Int8Array(this.buffer, address, length);
  }

  u16(address: number, length: number): Uint16Array {
    return new Uint16Array(this.buffer, address, length);
  }

  i16(address: number, length: number): Int16Array {
    return new Int16Array(this.buffer, address, length);
  }

  i32(address: number, length: number): Int32Array {
    return new Int32Array(this.buffer, address, length);
  }

  f32(address: number, length: number): Float32Array {
    return new Float32Array(this.buffer, address, length);
  }

  /** True when the array's bytes are in this heap, so that a kernel can work on them in place. */
  owns(array: ArrayBufferView): boolean {
    return array.buffer === this.buffer;
  }
}

/** First fit over a list of free blocks sorted by address; neighbours merge when one is freed. */
class FirstFit implements Allocator {
  readonly #memory: Memory;
  readonly #used = new Map<number, number>();
  #free: { address: number; bytes: number }[];

  constructor(memory: Memory) {
    this.#memory = memory;
    // Address 0 stays unused: kernels read it as "no table".
    this.#free = [{ address: ALIGNMENT, bytes: memory.buffer.byteLength - ALIGNMENT }];
  }

  alloc(bytes: number): number {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new RangeError(`alloc: wanted a size in bytes >= 0, got ${bytes}`);
    }
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    let at = this.#free.findIndex((block) => block.bytes >= size);
    if (at < 0) at = this.#grow(size);
    const block = this.#free[at];
    this.#used.set(block.address, size);
    const { address } = block;
    if (block.bytes === size) this.#free.splice(at, 1);
    else this.#free[at] = { address: address + size, bytes: block.bytes - size };
    return address;
  }

  free(address: number): void {
    if (address === 0) return;
    const bytes = this.#used.get(address);
    if (bytes === undefined) throw new RangeError(`free: no block at address ${address}`);
    this.#used.delete(address);
    this.#release(address, bytes);
  }

  #grow(size: number): number {
    const end = this.#memory.buffer.byteLength;
    const last = this.#free.at(-1);
    const room = last && last.address + last.bytes === end ? last.bytes : 0;
    const pages = Math.ceil((size - room) / PAGE);
    this.#memory.grow(pages);
    this.#release(end, pages * PAGE);
    return this.#free.length - 1;
  }

  #release(address: number, bytes: number): void {
    let at = this.#free.findIndex((block) => block.address > address);
    if (at < 0) at = this.#free.length;
    const before = this.#free[at - 1];
    const after = this.#free[at];
    let merged = { address, bytes };
    let from = at;
    let count = 0;
    if (before && before.address + before.bytes === address) {
      merged = { address: before.address, bytes: before.bytes + bytes };
      from = at - 1;
      count += 1;
    }
    if (after && address + bytes === after.address) {
      merged = { address: merged.address, bytes: merged.bytes + after.bytes };
      count += 1;
    }
    this.#free.splice(from, count, merged);
  }
}

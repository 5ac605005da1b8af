/** Reads numbers out of an HDF5 file, of which nothing is believed: what lies outside is refused. */

import { FormatError } from "../errors.js";

/** What one file may cost: a hostile one is refused before it takes longer or more memory than an honest one. */
export interface Budget {
  /** @throws FormatError hdf5-costly after more steps than a file of this size has parts */
  step(): void;
  /** @throws FormatError hdf5-costly where what was read comes to more bytes than the file can hold */
  bytes(count: number): void;
}

/** A file, and how its addresses are written. */
export interface Hdf5Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** What addresses are counted from. */
  readonly base: number;
  /** Bytes of an address and of a length: 2, 4 or 8. */
  readonly offsetSize: number;
  readonly lengthSize: number;
  readonly budget: Budget;
}

export const corrupt = (message: string) => new FormatError("hdf5-corrupt", message);
export const unsupported = (message: string) => new FormatError("hdf5-unsupported", message);

/** A place in a stretch of the file, which moves on as it is read. */
export class Cursor {
  readonly source: Hdf5Source;
  readonly end: number;
  at: number;

  /**
   * @param at first byte, from the beginning of the file
   * @param size of the stretch; without, all that follows
   */
  constructor(source: Hdf5Source, at: number, size = source.bytes.length - at) {
    if (!(at >= 0 && size >= 0 && at + size <= source.bytes.length)) {
      throw corrupt(`want bytes ${at} to ${at + size} within the file, which has ${source.bytes.length}`);
    }
    this.source = source;
    this.at = at;
    this.end = at + size;
  }

  /** A cursor at an address as the file writes it. */
  static to(source: Hdf5Source, address: number, size?: number): Cursor {
    return new Cursor(source, source.base + address, size);
  }

  get left(): number {
    return this.end - this.at;
  }

  u8(): number {
    return this.source.view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.source.view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.source.view.getUint32(this.#take(4), true);
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes; undefined where all bits are set, which stands for none. */
  number(size: number): number | undefined {
    if (size === 8) {
      const value = this.source.view.getBigUint64(this.#take(8), true);
      if (value === 0xffff_ffff_ffff_ffffn) return undefined;
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(`want a number below 2^53, got ${value}`);
      return Number(value);
    }
    const value = size === 1 ? this.u8() : size === 2 ? this.u16() : this.u32();
    return value === 2 ** (8 * size) - 1 ? undefined : value;
  }

  /** An address; undefined where there is nothing. */
  address(): number | undefined {
    return this.number(this.source.offsetSize);
  }

  /** An address that has to be there. */
  place(what: string): number {
    const address = this.address();
    if (address === undefined) throw corrupt(`${what}: want an address, got none`);
    return address;
  }

  length(): number {
    return this.number(this.source.lengthSize) ?? 0;
  }

  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.source.bytes.subarray(at, at + count);
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** @throws FormatError hdf5-corrupt where other bytes are here */
  want(signature: string): void {
    const got = String.fromCharCode(...this.bytes(signature.length));
    if (got !== signature)
      throw corrupt(`want ${signature} at byte ${this.at - signature.length}, got others`);
  }

  /** Text up to a zero byte, of `count` bytes at most. */
  text(count: number): string {
    return decodeText(this.bytes(count));
  }

  #take(count: number): number {
    if (!(count >= 0 && count <= this.left)) {
      throw corrupt(`want ${count} bytes at ${this.at}, got ${this.left}`);
    }
    const { at } = this;
    this.at += count;
    return at;
  }
}

/** UTF-8 up to the first zero byte. */
export function decodeText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A cost that grows with the file: each part of it takes some bytes, and is read a few times at most. */
export function createBudget(fileBytes: number): Budget {
  const maxSteps = Math.min(50_000 + fileBytes, 20_000_000);
  // Strings may be shared, and deflated chunks are larger than they are in the file.
  const maxBytes = 2 ** 20 + 32 * fileBytes;
  let steps = 0;
  let taken = 0;
  return {
    step() {
      if (++steps > maxSteps) throw costly(`more than ${maxSteps} parts`);
    },
    bytes(count) {
      taken += count;
      if (!(taken <= maxBytes)) throw costly(`more than ${maxBytes} bytes of data in a file of ${fileBytes}`);
    },
  };
}

const costly = (message: string) => new FormatError("hdf5-costly", message);

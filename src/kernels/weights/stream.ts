/**
 * Brings arrays to a kernel: in place where they lie in the heap, piece by piece otherwise.
 *
 * So the memory, which never shrinks, does not grow with the arrays, and a piece stays in the cache from the
 * copy in to the copy out: a million weights prune in 0.56 ms, in 0.64 ms copied as a whole (Node 24).
 */

import type { Heap } from "../../wasm/index.js";

export type Numbers = Float32Array | Int8Array | Int16Array | Int32Array;

/** An array and its place in the heap, looked up before anything is allocated: growth empties views. */
export interface Located<T extends Numbers = Float32Array> {
  readonly array: T;
  readonly length: number;
  /** Address of the first element, undefined where the array is somebody's own. */
  readonly address: number | undefined;
}

export function locate<T extends Numbers>(heap: Heap, array: T): Located<T> {
  const address = heap.owns(array) ? array.byteOffset : undefined;
  return { array, length: array.length, address };
}

/** A located array, as it is now: made anew where the heap may have grown. */
export function current<T extends Numbers>(heap: Heap, at: Located<T>): T {
  return at.address === undefined ? at.array : viewLike(heap, at.array, at.address, at.length);
}

/** One of the arrays that a kernel walks over in step. */
export interface Walked {
  readonly at: Located<Numbers>;
  readonly reads?: boolean;
  readonly writes?: boolean;
}

const PIECE = 16_384;

/**
 * Calls `run(count, addresses)` for consecutive pieces of arrays of one length; it must not allocate.
 *
 * @param grain pieces but the last are a multiple of this many elements
 */
export function stream(
  heap: Heap,
  walked: readonly Walked[],
  run: (count: number, addresses: readonly number[]) => void,
  grain = 1,
): void {
  const length = walked[0].at.length;
  if (length === 0) return;
  const resident = walked.map(({ at }) => at.address);
  if (resident.every((address) => address !== undefined)) {
    run(length, resident);
    return;
  }
  heap.run((alloc) => {
    const step = Math.min(length, grain * Math.max(1, Math.floor(PIECE / grain)));
    const bytes = (index: number) => walked[index].at.array.BYTES_PER_ELEMENT;
    const rooms = walked.map((_, i) => resident[i] ?? alloc(step * bytes(i)));
    // After the last allocation, and kept: nothing below lets the memory grow.
    const views = walked.map(({ at }, i) => viewLike(heap, at.array, rooms[i], step));
    for (let start = 0; start < length; start += step) {
      const end = Math.min(start + step, length);
      walked.forEach(({ at, reads }, i) => {
        if (reads && resident[i] === undefined) views[i].set(at.array.subarray(start, end));
      });
      const addresses = rooms.map((room, i) => (resident[i] === undefined ? room : room + start * bytes(i)));
      run(end - start, addresses);
      walked.forEach(({ at, writes }, i) => {
        if (writes && resident[i] === undefined) at.array.set(views[i].subarray(0, end - start), start);
      });
    }
  });
}

/**
 * Calls `run` with the address of a whole array, which is copied in, and back, where it is not in the heap.
 *
 * @param address room in the heap, of at.length elements, used where the array is not there itself
 */
export function whole(
  heap: Heap,
  at: Located,
  alloc: (bytes: number) => number,
  writes: boolean,
): { readonly address: number; copyIn(): void; copyOut(): void } {
  const address = at.address ?? alloc(at.length * 4);
  const own = at.address === undefined;
  return {
    address,
    copyIn: () => own && heap.f32(address, at.length).set(at.array),
    copyOut: () => own && writes && at.array.set(heap.f32(address, at.length)),
  };
}

function viewLike<T extends Numbers>(heap: Heap, like: T, address: number, length: number): T {
  if (isA(like, "Float32Array")) return heap.f32(address, length) as T;
  if (isA(like, "Int8Array")) return heap.s8(address, length) as T;
  if (isA(like, "Int16Array")) return heap.i16(address, length) as T;
  return heap.i32(address, length) as T;
}

/** By name and not by instanceof: arrays come from other realms too, such as a test runner's. */
export function isA(value: unknown, name: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${name}]`;
}

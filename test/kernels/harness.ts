/**
 * Runs a kernel of every variant and its reference over the same bytes and compares all of memory:
 * what the kernel should write, what it should not touch, and the canaries around every buffer.
 *
 * Knows nothing of vitest, so the same suites run in a browser page.
 */

import { createRandom, type Random } from "../../src/data/random.js";
import {
  Heap,
  type Kernel,
  type KernelSet,
  openEngine,
  PlainMemory,
  type Variant,
} from "../../src/wasm/index.js";

export interface Case {
  readonly name: string;
  /** Throws when the kernel and its reference differ. */
  run(variant: Variant): void;
}

type Bytes =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Lays out buffers for one call. Every address is 16-byte aligned unless `skew` asks otherwise. */
export interface Layout {
  /** Which build the case is for. */
  readonly variant: Variant;
  readonly random: Random;
  /** A buffer with these contents. */
  put(data: Bytes, skew?: number): number;
  /** A buffer of this many bytes filled with a pattern, for the kernel to write. */
  room(bytes: number, skew?: number): number;
  /** A room for so many bytes that the kernel writes to whole vectors of `whole` bytes. */
  upTo(bytes: number, whole: number): number;
  /** A room of which the bytes that `isFree` names are the kernel's own affair. */
  partly(bytes: number, isFree: (byte: number) => boolean): number;
  /** A buffer whose bytes afterwards are the kernel's own affair; its canaries still count. */
  scratch(bytes: number): number;
}

const CANARY = 0xa5;
const GAP = 64;

/**
 * A case of one kernel: `build` lays out its buffers and returns its arguments.
 *
 */
export function kernelCase<Name extends string>(
  set: KernelSet<Name>,
  kernel: Name,
  label: string,
  seed: number,
  build: (layout: Layout) => number[],
): Case {
  return {
    name: `${kernel} ${label}`,
    run(variant) {
      const image: number[] = [];
      const ignored = new Set<number>();
      const layout: Layout = {
        variant,
        random: createRandom(seed),
        put(data, skew = 0) {
          const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
          return place(image, bytes, skew);
        },
        room: (bytes, skew = 0) => place(image, new Uint8Array(bytes).fill(0x5b), skew),
        partly(bytes, isFree) {
          const address = layout.room(bytes);
          for (let i = 0; i < bytes; i++) if (isFree(i)) ignored.add(address + i);
          return address;
        },
        upTo: (bytes, whole) => layout.partly(Math.ceil(bytes / whole) * whole, (byte) => byte >= bytes),
        scratch: (bytes) => layout.partly(bytes, () => true),
      };
      place(image, new Uint8Array(64), 0);
      const args = build(layout);
      place(image, new Uint8Array(0), 0);

      const wanted = onReference(set, kernel, image, args);
      const got = onVariant(set, variant, kernel, image, args);
      const result = `${kernel} ${label} (${variant})`;
      if (!Object.is(got.returned ?? 0, wanted.returned ?? 0)) {
        throw new Error(`${result}: wanted ${wanted.returned} returned, got ${got.returned}`);
      }
      for (let at = 0; at < image.length; at++) {
        if (got.bytes[at] !== wanted.bytes[at] && !ignored.has(at)) {
          throw new Error(
            `${result}: byte ${at} is ${got.bytes[at]}, wanted ${wanted.bytes[at]}; args ${args.join(" ")}`,
          );
        }
      }
    },
  };
}

function place(image: number[], bytes: Uint8Array, skew: number): number {
  for (let i = 0; i < GAP; i++) image.push(CANARY);
  while (image.length % 16 !== 0) image.push(CANARY);
  for (let i = 0; i < skew; i++) image.push(CANARY);
  const address = image.length;
  for (const byte of bytes) image.push(byte);
  return address;
}

interface Outcome {
  readonly bytes: Uint8Array;
  readonly returned: number | undefined;
}

function onReference(set: KernelSet<string>, name: string, image: number[], args: number[]): Outcome {
  const memory = new PlainMemory();
  const heap = new Heap(memory);
  memory.grow(Math.ceil(image.length / 65_536));
  return call(set.reference(heap)[name], heap, image, args);
}

const engines = new Map<string, ReturnType<typeof openEngine>>();

function onVariant(
  set: KernelSet<string>,
  variant: Variant,
  name: string,
  image: number[],
  args: number[],
): Outcome {
  const key = `${set.name}-${variant}`;
  const engine = engines.get(key) ?? openEngine(set, { variant });
  engines.set(key, engine);
  engine.heap.run((alloc) => alloc(image.length + 65_536)); // grows the memory
  return call(engine.kernels[name], engine.heap, image, args);
}

function call(kernel: Kernel, heap: Heap, image: number[], args: number[]): Outcome {
  heap.u8(0, image.length).set(image);
  const returned = kernel(...args);
  return { bytes: heap.u8(0, image.length).slice(), returned };
}

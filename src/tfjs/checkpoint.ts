/**
 * Checkpoints: where they are kept, and what a file of one looks like.
 *
 * It is safetensors: numbers as F64 [], arrays as F32, F64 or I32 [n], by the names of `SavedState`.
 * `__metadata__` has first `crc32`, eight hex digits of the checksum of the whole file with zeros in their
 * place, then `format`, and what the run was asked for as JSON, one entry each.
 */

import {
  crc32,
  FormatError,
  type NamedTensor,
  readContainer,
  requireNode,
  type StoredTensor,
  saveFile,
  writeContainer,
} from "../file/index.js";
import { kindOf } from "../graph/index.js";
import type { SavedArray, SavedState } from "./state.js";

/** Where a run keeps its checkpoint: one at a time. */
export interface CheckpointStore {
  /** The bytes that were saved last; undefined where there are none. */
  load(): Promise<Uint8Array | undefined>;
  /** Must leave the bytes from before or the new ones, whatever happens meanwhile. */
  save(bytes: Uint8Array): Promise<void>;
  /** A run never calls it: what it leaves says that it is finished. For whoever wants to start afresh. */
  remove?(): Promise<void>;
}

/**
 * Keeps a checkpoint in a file, which is whole at every moment: written beside it, forced to the disk,
 * then renamed. Node only.
 *
 * @param path of the file; its folder must be there
 */
export function fileCheckpoint(path: string): Required<CheckpointStore> {
  const fs = requireNode("node:fs/promises");
  return {
    load: () =>
      fs.readFile(path).catch((error) => {
        if (error.code === "ENOENT") return undefined;
        throw error;
      }),
    save: (bytes) => saveFile(path, bytes),
    remove: () => fs.rm(path, { force: true }),
  };
}

export interface StoredCheckpoint {
  /** What the run was asked for, each as JSON: a checkpoint is of use to no other run. */
  readonly about: Readonly<Record<string, string>>;
  readonly state: SavedState;
}

const format = "pare checkpoint 1";
const noSum = "00000000";
const sumAt = 8 + '{"__metadata__":{"crc32":"'.length;

export function encodeCheckpoint({ about, state }: StoredCheckpoint): Uint8Array {
  const numbers = Object.entries(state.numbers ?? {}).map(([name, value]) =>
    tensorOf(`numbers/${name}`, [], Float64Array.of(value)),
  );
  const arrays = Object.entries(state.arrays ?? {}).map(([name, values]) =>
    tensorOf(`arrays/${name}`, [values.length], values),
  );
  const file = writeContainer([...numbers, ...arrays], { crc32: noSum, format, ...about });
  const sum = crc32(file).toString(16).padStart(noSum.length, "0");
  file.set(new TextEncoder().encode(sum), sumAt);
  return file;
}

/**
 * @param bytes of a whole file
 * @throws FormatError checkpoint-format where it is none, checkpoint-damaged, and those of `readContainer`
 */
export function decodeCheckpoint(bytes: Uint8Array): StoredCheckpoint {
  const { metadata, tensors } = readContainer(bytes, "checkpoint");
  const { crc32: sum, format: got, ...about } = metadata;
  if (got !== format) {
    throw new FormatError("checkpoint-format", `checkpoint: wanted "${format}", got ${JSON.stringify(got)}`);
  }
  const found = checksum(bytes);
  if (sum !== found) {
    throw new FormatError("checkpoint-damaged", `checkpoint: wanted checksum ${sum}, got ${found}`);
  }
  const numbers: Record<string, number> = Object.create(null);
  const arrays: Record<string, SavedArray> = Object.create(null);
  for (const [name, tensor] of tensors) {
    const values = valuesOf(name, tensor);
    if (name.startsWith("numbers/")) numbers[name.slice("numbers/".length)] = values[0];
    else arrays[name.slice("arrays/".length)] = values;
  }
  return { about, state: { numbers, arrays } };
}

function checksum(bytes: Uint8Array): string {
  const zeros = new TextEncoder().encode(noSum);
  const rest = sumAt + noSum.length;
  const sum = crc32(bytes.subarray(rest), crc32(zeros, crc32(bytes.subarray(0, sumAt))));
  return sum.toString(16).padStart(noSum.length, "0");
}

const kinds = { F32: Float32Array, F64: Float64Array, I32: Int32Array } as const;

function tensorOf(name: string, shape: readonly number[], values: SavedArray): NamedTensor {
  const dtype =
    ({ Float32Array: "F32", Float64Array: "F64" } as Record<string, string>)[kindOf(values)] ?? "I32";
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dtype, shape, bytes };
}

function valuesOf(name: string, { dtype, bytes }: StoredTensor): SavedArray {
  if (!Object.hasOwn(kinds, dtype)) {
    throw new FormatError("checkpoint-format", `${name}: wanted F32, F64 or I32, got ${dtype}`);
  }
  // A copy, for the numbers must be aligned; not by slice, which of a Buffer of Node's copies nothing.
  return new kinds[dtype as keyof typeof kinds](new Uint8Array(bytes).buffer);
}

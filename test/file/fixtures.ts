import { deflateSync } from "node:zlib";
import { expect } from "vitest";
import { type NamedTensor, writeContainer } from "../../src/file/container-write.js";
import { FormatError, type Provenance, readPare } from "../../src/file/index.js";
import type { Graph, Weight } from "../../src/graph/index.js";
import { shipped } from "../runtime/shipped.js";
import { encodeVersion1 } from "./version-1.js";

/** Small valid files, and what it takes to break them. */

export const provenance: Provenance = { versions: { pare: "0.1.0" }, recipe: { sparsity: 0.5 } };

export const seeded = (seed: number) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

/** x [null, rows] -> dense: an s8 kernel, mostly zeros, with its i32 bias. */
export function s8Graph(rows = 16, columns = 8, sparsity = 0.75): Graph {
  const random = seeded(7);
  const codes = Int8Array.from({ length: rows * columns }, () =>
    random() < sparsity ? 0 : Math.round(random() * 254) - 127,
  );
  const kernel: Weight = {
    dtype: "s8",
    shape: [rows, columns],
    data: codes,
    scale: new Float32Array(columns).fill(0.01),
  };
  const bias: Weight = { dtype: "i32", shape: [columns], data: new Int32Array(columns).fill(-5) };
  return denseGraph({ kernel, bias }, rows);
}

export function f32Graph(kernel: Float32Array, shape: readonly [number, number]): Graph {
  return denseGraph({ kernel: { dtype: "f32", shape, data: kernel } }, shape[0]);
}

export function denseGraph(weights: Readonly<Record<string, Weight>>, channels: number): Graph {
  const roles = Object.fromEntries(Object.keys(weights).map((role) => [role, role]));
  const quantized = weights.kernel.dtype === "s8";
  return {
    inputs: [{ name: "x", shape: [null, channels] }],
    outputs: [{ name: "probabilities", value: "y" }],
    nodes: [{ name: "y", op: "dense", inputs: ["x"], weights: roles, attrs: { activation: "linear" } }],
    weights: new Map(Object.entries(weights)),
    quant: new Map(quantized ? [["x", { scale: 0.5, zero: 3 }]] : []),
  };
}

/** Of version 1, whose parts all have names. */
export const smallFile = () => encodeVersion1(s8Graph(), provenance);

export interface Parts {
  // biome-ignore lint/suspicious/noExplicitAny: tests write into it what no type allows
  graph: any;
  metadata: Record<string, string>;
  tensors: NamedTensor[];
}

/** An independent reader of safetensors, that knows nothing of pare. */
export function parts(file: Uint8Array): Parts {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const { __metadata__: metadata, ...entries } = header;
  const tensors = Object.entries<{ dtype: string; shape: number[]; data_offsets: [number, number] }>(
    entries,
  ).map(([name, { dtype, shape, data_offsets }]) => {
    const [begin, end] = data_offsets.map((offset) => 8 + length + offset);
    return { name, dtype, shape, bytes: file.slice(begin, end) };
  });
  return { graph: JSON.parse(metadata.graph), metadata, tensors };
}

/** The small file after `change`. */
export async function changed(change: (parts: Parts) => void, file?: Uint8Array): Promise<Uint8Array> {
  const all = parts(file ?? (await smallFile()));
  change(all);
  return writeContainer(all.tensors, { ...all.metadata, graph: JSON.stringify(all.graph) });
}

/** A safetensors file with any text as its header. */
export function withHeader(text: string | Uint8Array, data: Uint8Array = new Uint8Array()): Uint8Array {
  const header = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const file = new Uint8Array(8 + header.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  file.set(data, 8 + header.length);
  return file;
}

/** A file whose kernel s8 [rows, columns] is stored as these raw streams. */
export async function sparseFile(
  codec: string,
  shape: readonly [number, number],
  streams: { values: number[]; deltas: number[]; counts: number[] },
): Promise<Uint8Array> {
  const base = await encodeVersion1(s8Graph(...shape), provenance);
  return changed((all) => {
    all.tensors = all.tensors.filter(({ name }) => !/^kernel\/(values|deltas|counts)$/.test(name));
    const raw = Object.entries(streams).map(([name, bytes]) => ({ name, bytes: Uint8Array.from(bytes) }));
    all.graph.weights.kernel = {
      dtype: "s8",
      shape,
      codec,
      bytes: raw.map(({ bytes }) => bytes.length),
    };
    for (const { name, bytes } of raw) {
      all.tensors.push({ name: `kernel/${name}`, dtype: "U8", shape: [bytes.length], bytes });
    }
  }, base);
}

/** Replaces the bytes of a tensor, or all of it. */
export function setTensor(all: Parts, name: string, tensor: Partial<NamedTensor>): void {
  const index = all.tensors.findIndex((one) => one.name === name);
  if (index < 0) throw new Error(`no tensor ${name}`);
  const { bytes } = tensor;
  all.tensors[index] = { ...all.tensors[index], ...(bytes && { shape: [bytes.length] }), ...tensor };
}

export const deflated = (bytes: Uint8Array) => new Uint8Array(deflateSync(bytes, { level: 9 }));

/** Fails unless the promise rejects with a FormatError of exactly this code. */
export async function expectCode(work: Promise<unknown> | (() => unknown), code: string): Promise<void> {
  let error: unknown;
  try {
    await (typeof work === "function" ? work() : work);
  } catch (caught) {
    error = caught;
  }
  expect(error, `want a FormatError ${code}`).toBeInstanceOf(FormatError);
  expect((error as FormatError).code, (error as FormatError).message).toBe(code);
}

/** By the reader, and by the one that ships. */
export async function expectRefused(file: Uint8Array | Promise<Uint8Array>, code: string): Promise<void> {
  const bytes = await file;
  await expectCode(readPare(bytes), code);
  await expect(shipped.load(bytes)).rejects.toMatchObject({ name: "FormatError", code });
}

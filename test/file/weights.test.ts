import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeWeight } from "../../src/file/decode.js";
import { codecs, readDescriptor } from "../../src/file/descriptor.js";
import { encodeWeight, isReadable, pack, waysToStore } from "../../src/file/encode.js";
import { encodePare, readPare } from "../../src/file/index.js";
import { inflate } from "../../src/file/streams.js";
import type { Weight } from "../../src/graph/index.js";
import { denseGraph, expectRefused, f32Graph, provenance, s8Graph, seeded, sparseFile } from "./fixtures.js";

const bits = (weight: Weight) => {
  const { buffer, byteOffset, byteLength } = weight.data;
  return new Uint8Array(buffer, byteOffset, byteLength);
};

/** A matrix whose nonzeros come in blocks of `outputs` x `inputs`, at offsets that tails cut. */
function matrix(
  rows: number,
  columns: number,
  outputs: number,
  inputs: number,
  density: number,
  seed: number,
) {
  const random = seeded(seed);
  const codes = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row += inputs) {
    for (let column = 0; column < columns; column += outputs) {
      if (random() >= density) continue;
      for (let i = row; i < Math.min(rows, row + inputs); i++) {
        for (let j = column; j < Math.min(columns, column + outputs); j++) {
          codes[i * columns + j] = Math.round(random() * 254) - 127;
        }
      }
    }
  }
  return codes;
}

const size = fc.integer({ min: 1, max: 19 });
const anyWeight: fc.Arbitrary<Weight> = fc
  .record({
    dtype: fc.constantFrom("s8", "f32", "i32", "u7"),
    rest: fc.array(size, { maxLength: 2 }),
    last: fc.integer({ min: 1, max: 40 }),
    outputs: fc.constantFrom(1, 4),
    inputs: fc.constantFrom(1, 4),
    density: fc.constantFrom(0, 0.05, 0.3, 1),
    seed: fc.nat(),
  })
  .map(({ dtype, rest, last, outputs, inputs, density, seed }) => {
    const rows = rest.reduce((product, size) => product * size, 1);
    const codes = matrix(rows, last, outputs, inputs, density, seed);
    const shape = [...rest, last];
    if (dtype === "s8") return { dtype, shape, data: codes, scale: new Float32Array(last).fill(0.5) };
    if (dtype === "f32")
      return { dtype, shape, data: Float32Array.from(codes, (code) => Math.sin(code) * code) };
    if (dtype === "i32") return { dtype, shape, data: Int32Array.from(codes, (code) => code * 54321) };
    return { dtype: "u7", shape, data: Uint8Array.from(codes, Math.abs) };
  });

describe("codecs", () => {
  it("round trip bit for bit, every way to store a weight, and the smallest is chosen", () =>
    fc.assert(
      fc.asyncProperty(anyWeight, async (weight) => {
        const packed = await Promise.all(waysToStore("w", weight).map((way) => pack(way, "best")));
        const ways = packed.filter((way) => isReadable(way, weight.data.byteLength));
        const scale = weight.dtype === "s8" ? weight.scale : new Float32Array();
        for (const { descriptor, streams } of ways) {
          const { sizes } = descriptor;
          const { dtype, shape, codec, planes } = descriptor;
          const json = { dtype, shape, codec, bytes: sizes, ...(planes && { planes }) };
          expect(readDescriptor("w", json)).toEqual(descriptor);
          const raw = await Promise.all(
            streams.map((stream, i) =>
              stream.length === sizes[i] ? Promise.resolve(stream.slice()) : inflate(stream, sizes[i], "w"),
            ),
          );
          expect(decodeWeight(descriptor, raw, scale)).toEqual(weight);
        }
        const total = (streams: readonly Uint8Array[]) =>
          streams.reduce((sum, one) => sum + one.length + 10, 0);
        const chosen = await encodeWeight("w", weight);
        for (const { streams } of ways) expect(total(chosen.streams)).toBeLessThanOrEqual(total(streams));
      }),
      { numRuns: 60 },
    ));

  it("tries every codec on a sparse matrix and none that leaves nothing out", () => {
    const names = (density: number) => {
      const data = matrix(16, 16, 1, 1, density, 1).map((code) => (density === 1 ? code || 1 : code));
      const weight: Weight = { dtype: "s8", shape: [16, 16], data, scale: new Float32Array(16).fill(1) };
      return [...new Set(waysToStore("w", weight).map(({ descriptor }) => descriptor.codec))];
    };
    expect(names(0.02)).toEqual(Object.keys(codecs));
    expect(names(1)).toEqual(["dense"]);
  });

  it.each([
    ["1x1", 1, 1, 0.05],
    ["1x4", 1, 4, 0.15],
    ["4x4", 4, 4, 0.2],
    ["dense", 1, 1, 1],
  ])("chooses %s where its blocks are those of the zeros", async (codec, outputs, inputs, density) => {
    const data = matrix(256, 256, outputs, inputs, density, 5);
    const weight: Weight = { dtype: "s8", shape: [256, 256], data, scale: new Float32Array(256).fill(1) };
    expect((await encodeWeight("w", weight)).descriptor.codec).toBe(codec);
  });

  it("keeps -0 and the bits of every f32, sliced buffers and gaps of 254, 255, 256, 510", async () => {
    const rows = 4096;
    const whole = new Float32Array(rows + 3);
    const data = whole.subarray(3);
    for (const row of [254, 509, 765, 1275, 1276, 4095]) data[row] = row;
    data[1500] = -0;
    data[2000] = 1e-45;
    const { graph } = await readPare(await encodePare(f32Graph(data, [rows, 1]), provenance));
    const kernel = graph.weights.get("kernel") as Weight;
    expect(bits(kernel)).toEqual(new Uint8Array(whole.buffer, 12));
  });

  it("splits f32 into byte planes where that is smaller", async () => {
    const random = seeded(11);
    const data = Float32Array.from({ length: 4096 }, () => (random() - 0.5) * 0.1);
    const { descriptor, streams } = await encodeWeight("w", { dtype: "f32", shape: [64, 64], data });
    expect(descriptor.planes).toBe(true);
    expect(streams[0].length).toBeLessThan(data.byteLength * 0.92);
  });

  it("stores a weight of zeros so that it can be read back", async () => {
    const graph = f32Graph(new Float32Array(1024 * 1024), [1024, 1024]);
    const file = await encodePare(graph, provenance);
    expect(file.length).toBeLessThan(10_000);
    expect((await readPare(file)).graph.weights.get("kernel")?.data.every((value) => value === 0)).toBe(true);
  });
});

describe("the sparse reader", () => {
  const shape = [8, 2] as const;
  const block = [1, 2, 3, 4];

  it("reads what the documentation says", async () => {
    const file = await sparseFile("1x4", shape, {
      values: [...block, 5, 6, 7, 8],
      deltas: [2, 1],
      counts: [1, 1],
    });
    const kernel = (await readPare(file)).graph.weights.get("kernel");
    expect([...(kernel?.data ?? [])]).toEqual([0, 5, 0, 6, 0, 7, 0, 8, 1, 0, 2, 0, 3, 0, 4, 0]);
  });

  it.each<[string, string, { values: number[]; deltas: number[]; counts: number[] }]>([
    [
      "counts that sum to less",
      "sparse-sum",
      { values: [...block, ...block], deltas: [1, 1], counts: [1, 0] },
    ],
    ["counts that sum to more", "sparse-sum", { values: block, deltas: [1, 1], counts: [1, 1] }],
    ["a count over the blocks of a row", "sparse-count", { values: block, deltas: [1], counts: [3, 0] }],
    ["a count that never ends", "sparse-count", { values: block, deltas: [1], counts: Array(16).fill(128) }],
    ["counts that end early", "sparse-counts-end", { values: block, deltas: [1], counts: [1] }],
    ["counts after the last row", "sparse-counts-left", { values: block, deltas: [1], counts: [1, 0, 0] }],
    ["a column too large", "sparse-column", { values: block, deltas: [3], counts: [1, 0] }],
    [
      "deltas that run off the row",
      "sparse-column",
      { values: [...block, ...block], deltas: [2, 1], counts: [2, 0] },
    ],
    [
      "a repeated column",
      "sparse-repeated",
      { values: [...block, ...block], deltas: [1, 0], counts: [2, 0] },
    ],
    ["a column before the first", "sparse-repeated", { values: block, deltas: [0], counts: [1, 0] }],
    [
      "an unsorted column (-1 as a byte)",
      "sparse-deltas-end",
      { values: block, deltas: [255], counts: [1, 0] },
    ],
    [
      "deltas that end early",
      "sparse-deltas-end",
      { values: [...block, ...block], deltas: [1], counts: [2, 0] },
    ],
    ["deltas after the last block", "sparse-deltas-left", { values: block, deltas: [1, 1], counts: [1, 0] }],
    ["a block size that does not divide", "sparse-block", { values: [1, 2, 3], deltas: [1], counts: [1, 0] }],
    ["more blocks than there are", "sparse-size", { values: Array(20).fill(1), deltas: [1], counts: [1, 0] }],
    [
      "more deltas than there can be",
      "sparse-size",
      { values: block, deltas: [1, 1, 1, 1, 1], counts: [1, 0] },
    ],
    ["-128", "weight-range", { values: [1, 2, 3, 128], deltas: [1], counts: [1, 0] }],
  ])("refuses %s: %s", async (_, code, streams) => expectRefused(sparseFile("1x4", shape, streams), code));

  it("refuses a nonzero that sticks out of the matrix, below and to the right", async () => {
    const file = sparseFile("1x4", [6, 1], { values: block, deltas: [2], counts: [1] });
    await expectRefused(file, "sparse-padding");
    const wide = { values: [...block, ...block, ...block, 0, 0, 1, 0], deltas: [1], counts: [1] };
    await expectRefused(sparseFile("4x4", [4, 3], wide), "sparse-padding");
    await readPare(
      await sparseFile("4x4", [4, 3], { ...wide, values: wide.values.map((v, i) => (i < 12 ? v : 0)) }),
    );
  });

  it("refuses much memory on the word of few bytes", async () => {
    const file = sparseFile("1x4", [100_000, 1], { values: [], deltas: [], counts: [0] });
    await expectRefused(file, "sparse-evidence");
  });

  it("ends on any streams", () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom("1x1", "1x4", "4x4"),
        fc.array(fc.constantFrom(0, 1, 2, 3, 127), { maxLength: 16 }),
        fc.array(fc.constantFrom(0, 1, 2, 254, 255), { maxLength: 8 }),
        fc.array(fc.constantFrom(0, 1, 2, 128, 255), { maxLength: 4 }),
        async (codec, values, deltas, counts) => {
          const file = await sparseFile(codec, [6, 3], { values, deltas, counts });
          const error = await readPare(file).catch((error) => error);
          expect(error instanceof Error ? error.name : "FormatError").toBe("FormatError");
        },
      ),
      { numRuns: 150 },
    ));
});

it("shared by dense graphs of every dtype", async () => {
  const table: Weight = { dtype: "u7", shape: [128], data: Uint8Array.from({ length: 128 }, (_, i) => i) };
  const base = s8Graph();
  const graph = denseGraph({ ...Object.fromEntries(base.weights), table }, 16);
  const whole = {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      attrs: { activation: "linear", preScale: 0.25, preZero: 64 },
    })),
    quant: new Map([...graph.quant, ["y", { scale: 0.1, zero: 0 }] as const]),
  };
  expect((await readPare(await encodePare(whole, provenance))).graph).toEqual(whole);
});

import { describe, expect, test } from "vitest";
import {
  applyScale,
  batchesOf,
  createRandom,
  type Dataset,
  measureFeatures,
  sampleCount,
  standardize,
  takeSamples,
} from "../../src/data/index.js";

const dataset: Dataset = {
  x: Uint8Array.from({ length: 14 }, (_, i) => i),
  y: Uint8Array.from({ length: 7 }, (_, i) => i),
  sampleShape: [2],
};

describe("batches", () => {
  test("in order, the last one short", () => {
    const batches = [...batchesOf(dataset, 3)];
    expect(batches.map((batch) => Array.from(batch.y))).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(batches[1].x).toEqual(Uint8Array.of(6, 7, 8, 9, 10, 11));
  });

  test("shuffled, every sample once and beside its label", () => {
    const batches = [...batchesOf(dataset, 2, createRandom(1))];
    const labels = batches.flatMap((batch) => Array.from(batch.y));
    expect(labels).not.toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect([...labels].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    for (const { x, y } of batches) {
      expect(Array.from(y, (_, i) => x[2 * i])).toEqual(Array.from(y, (label) => 2 * label));
    }
  });

  test("takeSamples keeps the types and may repeat", () => {
    const floats: Dataset = { x: Float32Array.of(1, 2, 3), y: Int32Array.of(-1, 0, 1), sampleShape: [] };
    expect(takeSamples(floats, [2, 2, 0, 1])).toEqual({
      x: Float32Array.of(3, 3, 1, 2),
      y: Int32Array.of(1, 1, -1, 0),
      sampleShape: [],
    });
    expect(() => takeSamples(dataset, [7])).toThrow(RangeError);
    expect(() => takeSamples(dataset, [-1])).toThrow(RangeError);
    expect(() => [...batchesOf(dataset, 0)]).toThrow(RangeError);
    expect(() => sampleCount({ ...dataset, sampleShape: [3] })).toThrow(/7 labels/);
  });
});

describe("scaling", () => {
  test("applyScale is x * scale + offset", () => {
    expect(applyScale(Uint8Array.of(0, 127, 255), 2 / 255, -1)).toEqual(
      Float32Array.of(-1, 254 / 255 - 1, 1),
    );
    expect(() => applyScale(Uint8Array.of(1), Number.NaN, 0)).toThrow(RangeError);
    expect(() => applyScale(Uint8Array.of(1), 1, Infinity)).toThrow(RangeError);
  });

  test("standardize brings features to mean 0 and deviation 1, a constant one to 0", () => {
    const x = Float32Array.of(1, 10, 5, 3, 10, 7);
    const statistics = measureFeatures(x, 3);
    expect(Array.from(statistics.mean)).toEqual([2, 10, 6]);
    expect(Array.from(statistics.deviation)).toEqual([1, 0, 1]);
    expect(standardize(x, statistics)).toEqual(Float32Array.of(-1, 0, -1, 1, 0, 1));
    expect(() => measureFeatures(x, 4)).toThrow(RangeError);
    expect(() => standardize(Float32Array.of(1), statistics)).toThrow(RangeError);
  });
});

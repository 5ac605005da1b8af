/** In tfjs' own memory: what is changed there is what the model computes with, and nothing else changes. */

import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { findHeap } from "../../src/tfjs/heap.js";
import { pruneModel } from "../../src/tfjs.js";
import { countZeros, mixedModel, noise, predict, predictAnew, useBackend, valuesOf } from "./support.js";

interface Backend {
  wasm: { asm: unknown; HEAPU8: Uint8Array };
}

describe("the wasm backend's heap", () => {
  beforeAll(() => useBackend("wasm"));

  // First: later tests open the heap, which is then known.
  test("is not found where the memory is not where it was, and weights are copied", () => {
    const backend = tf.backend() as unknown as Backend;
    const { wasm } = backend;
    const withParts = (parts: Partial<Backend["wasm"]>) => Object.assign(Object.create(wasm), parts);
    try {
      // As on a cross-origin isolated page, where tfjs takes its threaded build.
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      backend.wasm = withParts({ asm: { memory }, HEAPU8: new Uint8Array(memory.buffer) });
      expect(findHeap()).toBeUndefined();
      backend.wasm = withParts({ asm: { memory: new WebAssembly.Memory({ initial: 1 }) } });
      expect(findHeap()).toBeUndefined();
      const model = mixedModel();
      const { weights } = pruneModel(model, { sparsity: 0.5 });
      expect(weights.map(({ inPlace }) => inPlace)).not.toContain(true);
      expect(predict(model)).toEqual(predictAnew(mixedModel, model));
    } finally {
      backend.wasm = wasm;
    }
    expect(findHeap()?.memory.buffer).toBe(wasm.HEAPU8.buffer);
  });

  test("hands out 64-byte aligned blocks and takes each back once", () => {
    const heap = findHeap();
    if (!heap) throw new Error("no heap");
    const { allocator, memory } = heap;
    const blocks = [1, 63, 64, 65, 1000].map((bytes) => allocator.alloc(bytes));
    for (const block of blocks) expect(block % 64).toBe(0);
    expect(new Set(blocks).size).toBe(blocks.length);
    for (const block of blocks) allocator.free(block);
    expect(() => allocator.free(blocks[0])).toThrow("no block at address");
    allocator.free(0);
    const { byteLength } = memory.buffer;
    for (let i = 0; i < 10_000; i++) allocator.free(allocator.alloc(100_000));
    expect(memory.buffer.byteLength).toBe(byteLength);
    expect(() => allocator.alloc(2 ** 32 + 100)).toThrow("has no room");
  });

  test("in place: convolutions and dense layers that ran before see it, neighbours stay", () => {
    const model = mixedModel();
    predict(model); // tfjs now has repacked weights of its own
    const before = valuesOf(model);
    const report = pruneModel(model, { sparsity: 0.5 });
    expect(report.weights.map(({ inPlace }) => inPlace)).toEqual(report.weights.map(() => true));
    expect(predict(model)).toEqual(predictAnew(mixedModel, model));
    const after = valuesOf(model);
    const pruned = new Set(report.weights.map(({ name }) => name));
    for (const [name, values] of Object.entries(after)) {
      if (pruned.has(name)) expect(countZeros(values)).toBe(values.length / 2);
      else expect(values).toEqual(before[name]);
    }
  });

  test("a buffer that others read is copied: theirs stays as it was", () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [6], useBias: false })] });
    const given = tf.tensor2d(noise(24), [6, 4]);
    model.setWeights([given]);
    expect(pruneModel(model, { sparsity: 0.5 }).weights[0].inPlace).toBe(false);
    expect(countZeros(given.dataSync())).toBe(0);
    expect(countZeros(model.getWeights()[0].dataSync())).toBe(12);
    // Now its own. A clone and a reshape share it again until they are gone.
    expect(pruneModel(model, { sparsity: 0.6 }).weights[0].inPlace).toBe(true);
    const clone = tf.reshape(model.getWeights()[0], [24]);
    expect(pruneModel(model, { sparsity: 0.7 }).weights[0].inPlace).toBe(false);
    expect(countZeros(clone.dataSync())).toBe(15);
    clone.dispose();
    expect(pruneModel(model, { sparsity: 0.75 }).weights[0].inPlace).toBe(true);
    expect(countZeros(model.getWeights()[0].dataSync())).toBe(18);
  });

  test("a weight that lives in another backend is moved by tfjs, not misread", async () => {
    await useBackend("cpu");
    const model = mixedModel();
    const before = valuesOf(model);
    await useBackend("wasm");
    const { weights } = pruneModel(model, { sparsity: 0.5, include: "conv" });
    expect(weights[0].inPlace).toBe(false);
    const kernel = valuesOf(model)["conv/kernel"];
    expect(countZeros(kernel)).toBe(kernel.length / 2);
    kernel.forEach((value, i) => {
      if (value !== 0) expect(value).toBe(before["conv/kernel"][i]);
    });
  });

  describe("grown", () => {
    const kept: tf.Tensor[] = [];
    afterEach(() => tf.dispose(kept));

    test("works on after tfjs' memory grew, again and again", () => {
      const heap = findHeap();
      const model = mixedModel();
      const first = heap?.memory.buffer;
      for (const sparsity of [0.25, 0.5, 0.75]) {
        const before = heap?.memory.buffer.byteLength as number;
        kept.push(tf.zeros([before / 8]), tf.zeros([before / 8]));
        expect(heap?.memory.buffer.byteLength).toBeGreaterThan(before);
        const { weights } = pruneModel(model, { sparsity, include: "inner" });
        expect(weights[0]).toMatchObject({ inPlace: true, zerosAfter: sparsity * 64 * 12 });
        expect(predict(model)).toEqual(predictAnew(mixedModel, model));
      }
      expect(first?.byteLength).toBe(0);
    });

    test("works where the kernels' own scratch is what makes it grow", () => {
      const heap = findHeap();
      if (!heap) throw new Error("no heap");
      const units = 1024;
      const model = tf.sequential({
        layers: [tf.layers.dense({ units, inputShape: [1024], useBias: false })],
      });
      const blocks: number[] = [];
      const size = heap.memory.buffer.byteLength;
      // Fills what is left, down to less than a megabyte in a piece.
      for (let bytes = 2 ** 24; bytes >= 2 ** 12; bytes /= 2) {
        for (;;) {
          const block = heap.allocator.alloc(bytes);
          if (heap.memory.buffer.byteLength > size) {
            heap.allocator.free(block);
            break;
          }
          blocks.push(block);
        }
        if (heap.memory.buffer.byteLength > size) break;
      }
      for (const pattern of ["unstructured", "1x4", "4x4"] as const) {
        const { weights } = pruneModel(model, { sparsity: 0.5, pattern });
        expect(weights[0].inPlace).toBe(true);
        expect(weights[0].zerosAfter).toBeGreaterThanOrEqual(2 ** 19);
        expect(countZeros(model.getWeights()[0].dataSync())).toBe(weights[0].zerosAfter);
      }
      for (const block of blocks) heap.allocator.free(block);
    });
  });
});

describe("the cpu backend", () => {
  beforeAll(() => useBackend("cpu"));

  test("has no heap; an array that tensors share stays as it was", () => {
    expect(findHeap()).toBeUndefined();
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [6], useBias: false })] });
    const array = noise(24);
    const given = tf.tensor2d(array, [6, 4]);
    model.setWeights([given]);
    expect(pruneModel(model, { sparsity: 0.5 }).weights[0].inPlace).toBe(false);
    expect(countZeros(array)).toBe(0);
    expect(countZeros(given.dataSync())).toBe(0);
    expect(countZeros(model.getWeights()[0].dataSync())).toBe(12);
  });
});

/** pruneModel on real models: which weights, which numbers, what is reported. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { type PruneOptions, pruneModel } from "../../src/tfjs.js";
import { backends, countZeros, mixedModel, predict, predictAnew, useBackend, valuesOf } from "./support.js";

describe.each(backends)("pruneModel on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test("by magnitude: kernels only, kept numbers untouched, zeros reported", () => {
    const model = mixedModel();
    predict(model);
    const before = valuesOf(model);
    const numTensors = tf.memory().numTensors;
    const report = pruneModel(model, { threshold: 0.3 });
    expect(tf.memory().numTensors).toBe(numTensors);
    const after = valuesOf(model);
    const names = report.weights.map(({ name }) => name);
    expect(names).toEqual([
      "conv/kernel",
      "depthwise/depthwise_kernel",
      "transposed/kernel",
      "inner/kernel",
      "outer/kernel",
    ]);
    for (const [name, values] of Object.entries(before)) {
      const wanted = names.includes(name)
        ? values.map((value) => (Math.abs(value) < Math.fround(0.3) ? 0 : value))
        : values;
      expect(after[name]).toEqual(wanted);
    }
    for (const { name, total, zerosBefore, zerosAfter, shape } of report.weights) {
      expect(total).toBe(after[name].length);
      expect(shape.reduce((a, b) => a * b)).toBe(total);
      expect(zerosBefore).toBe(0);
      expect(zerosAfter).toBe(countZeros(after[name]));
      expect(zerosAfter).toBeGreaterThan(0);
    }
    expect(report.zeros).toBe(report.weights.reduce((sum, { zerosAfter }) => sum + zerosAfter, 0));
    expect(report.sparsity).toBe(report.zeros / report.total);
    expect(predict(model)).toEqual(predictAnew(mixedModel, model));
  });

  test("signed, on one bias by its name", () => {
    const model = mixedModel();
    const before = valuesOf(model);
    pruneModel(model, { threshold: -0.1, mode: "signed", include: "conv/bias" });
    const after = valuesOf(model);
    expect(after["conv/bias"]).toEqual(
      before["conv/bias"].map((value) => (value < Math.fround(-0.1) ? 0 : value)),
    );
    expect({ ...after, "conv/bias": 0 }).toEqual({ ...before, "conv/bias": 0 });
  });

  test("to a sparsity: the smallest go, exactly as many", () => {
    const model = mixedModel();
    const before = valuesOf(model);
    pruneModel(model, { sparsity: 0.75 });
    const after = valuesOf(model)["inner/kernel"];
    expect(countZeros(after)).toBe(0.75 * 64 * 12);
    const kept = before["inner/kernel"].filter((_, i) => after[i] !== 0).map(Math.abs);
    const gone = before["inner/kernel"].filter((_, i) => after[i] === 0).map(Math.abs);
    expect(Math.min(...kept)).toBeGreaterThanOrEqual(Math.max(...gone));
  });

  test("1x4 and 4x4 along the inputs of dense and convolution", () => {
    for (const [pattern, rows] of [
      ["1x4", 1],
      ["4x4", 4],
    ] as const) {
      const model = mixedModel();
      const { weights } = pruneModel(model, { sparsity: 0.5, pattern, include: ["conv", "inner"] });
      expect(weights.map(({ zerosAfter, total }) => zerosAfter / total)).toEqual([0.5, 0.5]);
      for (const [name, inputs, outputs] of [
        ["conv/kernel", 36, 8],
        ["inner/kernel", 64, 12],
      ] as const) {
        expect(mixedBlocks(valuesOf(model)[name], inputs, outputs, rows)).toBe(0);
      }
    }
  });

  test("n:m; depthwise sums over taps, a transposed convolution has its outputs before its inputs", () => {
    const model = mixedModel();
    pruneModel(model, { pattern: "2:4", include: ["inner", "transposed"] });
    pruneModel(model, { pattern: "1:3", include: "depthwise" });
    const values = valuesOf(model);
    const perGroup = (matrix: Float32Array, inputs: number, outputs: number, m: number) => {
      const counts = new Set<number>();
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < inputs; i += m) {
          counts.add(
            Array.from({ length: m }, (_, k) => matrix[(i + k) * outputs + o]).filter(Boolean).length,
          );
        }
      }
      return [...counts];
    };
    expect(perGroup(values["inner/kernel"], 64, 12, 4)).toEqual([2]);
    expect(perGroup(values["depthwise/depthwise_kernel"], 9, 8, 3)).toEqual([1]);
    const stored = values["transposed/kernel"]; // [1, 1, 4 outputs, 8 inputs]
    expect(
      perGroup(
        Float32Array.from(stored, (_, i) => stored[(i % 4) * 8 + Math.floor(i / 4)]),
        8,
        4,
        4,
      ),
    ).toEqual([2]);
    expect(predict(model)).toEqual(predictAnew(mixedModel, model));
  });

  test("include and exclude: layers, names, patterns", () => {
    const names = (options: Partial<PruneOptions>) =>
      pruneModel(mixedModel(), { sparsity: 0.1, ...options }).weights.map(({ name }) => name);
    expect(names({ include: "inner" })).toEqual(["inner/kernel"]);
    expect(names({ include: /^(inner|norm)/ })).toEqual(["inner/kernel"]);
    expect(names({ include: "norm/gamma" })).toEqual(["norm/gamma"]);
    expect(names({ exclude: [/conv|depthwise/g, "transposed"] })).toEqual(["inner/kernel", "outer/kernel"]);
    expect(names({ include: /kernel/, exclude: "outer/kernel" })).toHaveLength(4);
    expect(() => names({ include: "nowhere" })).toThrow(
      "include: no weight is meant by nowhere; the model has conv/",
    );
    expect(() => names({ include: "norm" })).toThrow("include: no weight is meant by norm");
    expect(() => names({ exclude: /nowhere/ })).toThrow("exclude: no weight is meant by /nowhere/");
    expect(() => names({ include: "inner", exclude: "inner" })).toThrow("weights: wanted some, got none");
    expect(names({ exclude: ["first", "DepthwiseConv2D"] })).toEqual(
      names({ exclude: ["conv", "depthwise"] }),
    );
    expect(names({ include: ["last", "Conv2D"] })).toEqual(["conv/kernel", "outer/kernel"]);
    expect(names({ exclude: ["BatchNormalization"] })).toEqual(names({}));
    expect(() => names({ exclude: "Dens" })).toThrow(/layers of .*DepthwiseConv2D.*; first and last/);
    expect(() => names({ include: 3 as unknown as string })).toThrow(TypeError);
  });

  test("recurrent layers, wrapped layers, embeddings", () => {
    const { layers } = tf;
    const model = tf.sequential({
      layers: [
        layers.embedding({ inputDim: 10, outputDim: 4, inputLength: 5, name: "words" }),
        layers.bidirectional({
          layer: layers.lstm({ units: 4, returnSequences: true }) as tf.RNN,
          mergeMode: "concat",
        }),
        layers.timeDistributed({ layer: layers.dense({ units: 4, name: "each" }) }),
        layers.gru({ units: 4, name: "gru" }),
      ],
    });
    const roles = pruneModel(model, { sparsity: 0.5 }).weights.map(({ name }) => name.replace(/.*\//, ""));
    expect(roles.sort()).toEqual([...Array(4).fill("kernel"), ...Array(3).fill("recurrent_kernel")]);
    expect(pruneModel(model, { sparsity: 0.5, include: "words" }).weights[0].shape).toEqual([10, 4]);
  });

  test.each<[Partial<PruneOptions>, string]>([
    [{}, "wanted threshold or sparsity"],
    [{ sparsity: 1.5 }, "sparsity: wanted a share in [0, 1], got 1.5"],
    [{ sparsity: Number.NaN }, "sparsity: wanted a share"],
    [{ threshold: -1 }, "threshold: wanted a finite number >= 0, got -1"],
    [
      { threshold: Number.POSITIVE_INFINITY, mode: "signed" },
      "threshold: wanted a finite number, got Infinity",
    ],
    [{ threshold: 1, sparsity: 0.5 }, "threshold: wanted no sparsity and no pattern with it"],
    [{ sparsity: 0.5, mode: "signed" }, "mode: wanted a threshold with it"],
    [{ sparsity: 0.5, pattern: "2:4" }, "sparsity: 2:4 has its own, got 0.5"],
    [{ pattern: "5:4" }, "pattern: wanted unstructured, 1x4, 4x4 or n:m"],
    [{ pattern: "8x8" as "4x4", sparsity: 0.5 }, "pattern: wanted unstructured"],
    [{ threshold: 1, mode: "both" as "signed" }, "mode: wanted magnitude or signed, got both"],
  ])("refuses %o", (options, message) => {
    const model = mixedModel();
    const before = valuesOf(model);
    expect(() => pruneModel(model, options)).toThrow(message);
    expect(valuesOf(model)).toEqual(before);
  });

  test("refuses what is no model or no number", () => {
    expect(() => pruneModel(null as unknown as tf.LayersModel, { sparsity: 0.5 })).toThrow(TypeError);
    expect(() => pruneModel(mixedModel(), { sparsity: "0.5" as unknown as number })).toThrow(TypeError);
    expect(() => pruneModel(mixedModel(), { threshold: "1" as unknown as number })).toThrow(TypeError);
  });
});

/** Blocks of rows outputs x 4 inputs that are partly zero: there must be none. */
function mixedBlocks(matrix: Float32Array, inputs: number, outputs: number, rows: number): number {
  let mixed = 0;
  for (let o = 0; o < outputs; o += rows) {
    for (let i = 0; i < inputs; i += 4) {
      let zeros = 0;
      for (let r = 0; r < rows; r++) {
        for (let k = 0; k < 4; k++) if (matrix[(i + k) * outputs + o + r] === 0) zeros += 1;
      }
      if (zeros !== 0 && zeros !== 4 * rows) mixed += 1;
    }
  }
  return mixed;
}

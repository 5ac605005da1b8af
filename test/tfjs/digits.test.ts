/** The whole of it: a LeNet-300-100 in small, trained, then pruned to 90 % while it goes on training. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { applyScale, drawDigits } from "../../src/data/index.js";
import { accuracyOf, fineTune, quantizeModel } from "../../src/tfjs.js";
import { countZeros, useBackend, valuesOf } from "./support.js";

describe("gradual pruning on drawn digits", () => {
  const train = drawDigits({ count: 2000, seed: 1 });
  const held = drawDigits({ count: 500, seed: 2 });
  const data = { x: applyScale(train.images, 1 / 255, 0), y: train.labels };
  const x = applyScale(held.images, 1 / 255, 0);
  const loss = "sparseCategoricalCrossentropy";

  beforeAll(() => useBackend("wasm"));

  test.each([
    // A class of the last layer has 12 blocks: with 9 in 10 gone some classes would have none.
    { pattern: "unstructured", scope: "local", sparsity: 0.9, targets: {} },
    { pattern: "1x4", scope: "local", sparsity: 0.903, targets: { last: 0.5 } },
    { pattern: "unstructured", scope: "auto", sparsity: 0.9 },
    { pattern: "1x4", scope: "auto", sparsity: 0.9 },
  ] as const)("$pattern, scope $scope, nine in ten weights gone: as good as before", async (prune) => {
    const dense = (name: string, units: number, activation: "relu" | "softmax", seed: number) =>
      tf.layers.dense({
        name,
        units,
        activation,
        kernelInitializer: tf.initializers.glorotUniform({ seed }),
      });
    const model = tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [28, 28, 1] }),
        dense("first", 96, "relu", 1),
        dense("second", 48, "relu", 2),
        dense("last", 10, "softmax", 3),
      ],
    });
    await fineTune(model, data, { epochs: 5, batchSize: 50, loss });
    const before = accuracyOf(model, x, held.labels);
    const result = await fineTune(model, data, {
      epochs: 10,
      batchSize: 50,
      loss,
      seed: 1,
      prune,
    });
    const after = accuracyOf(model, x, held.labels);
    const kernels = Object.entries(valuesOf(model)).filter(([name]) => name.endsWith("/kernel"));
    expect(kernels).toHaveLength(3);
    for (const [name, values] of kernels) {
      const wanted = name === "last/kernel" && prune.pattern === "1x4" ? 0.5 : prune.sparsity;
      if (prune.scope === "local") {
        expect(countZeros(values) / values.length, name).toBeGreaterThanOrEqual(wanted);
      }
      expect(result.sparsities[name]).toBe(countZeros(values) / values.length);
    }
    expect(result.sparsity).toBeGreaterThanOrEqual(0.9);
    expect(before).toBeGreaterThan(0.85);
    expect(after).toBeGreaterThan(before - 0.03);
    quantizeModel(model);
    expect(accuracyOf(model, x, held.labels)).toBeGreaterThan(after - 0.02);
  });
});

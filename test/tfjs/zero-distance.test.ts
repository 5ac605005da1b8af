/** The article's name for fine-tuning. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { fineTune, seed } from "../../src/tfjs.js";
import { backends, noise, useBackend, valuesOf } from "./support.js";

describe.each(backends)("seed.zeroDistance on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  const data = { x: noise(60), y: Int32Array.from({ length: 20 }, (_, i) => i % 2) };
  const options = { epochs: 2, batchSize: 4, seed: 3, loss: "sparseCategoricalCrossentropy" } as const;

  function classifier(): tf.Sequential {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
    const dense = tf.layers.dense({ units: 2, inputShape: [3], activation: "softmax", kernelInitializer });
    return tf.sequential({ layers: [dense] });
  }

  test("is fineTune to the bit, and says so", async () => {
    const [article, ours] = [classifier(), classifier()];
    const onWarning = vi.fn();
    const result = await seed.zeroDistance(article, data, { ...options, onWarning });
    const wanted = await fineTune(ours, data, options);
    expect(Object.values(valuesOf(article))).toEqual(Object.values(valuesOf(ours)));
    expect(result).toMatchObject({ steps: wanted.steps, epochs: wanted.epochs });
    expect(onWarning).toHaveBeenCalledOnce();
    expect(onWarning.mock.calls[0][0]).toContain("is fine-tuning");
    expect(onWarning.mock.calls[0][0]).toContain("eszsl");
  });

  test("warns on the console unless told otherwise, and refuses what fineTune refuses", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    await expect(seed.zeroDistance(classifier(), data, { ...options, epochs: 0 })).rejects.toThrow(
      "epochs: wanted",
    );
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });
});

/** The article's code, to the letter: exact outputs. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { seed } from "../../src/tfjs.js";
import { backends, useBackend, valuesOf } from "./support.js";

/** Dense 2 -> 2, batch normalization: a model whose every weight is set by hand. */
function handMade(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 2, inputShape: [2], name: "d" }),
      tf.layers.batchNormalization({ name: "n" }),
    ],
  });
  const set: Record<string, number[]> = {
    "d/kernel": [0.5, -0.5, 0.009, 0.01],
    "d/bias": [-3, 0.02],
    "n/gamma": [1, -1],
    "n/beta": [0, -0.001],
    "n/moving_mean": [-20, 17],
    "n/moving_variance": [0.005, 16],
  };
  tf.tidy(() =>
    model.setWeights(
      model.weights.map((weight) => tf.tensor(set[weight.originalName], weight.shape as number[])),
    ),
  );
  return model;
}

describe.each(backends)("seed on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test("prune: weight < threshold -> 0, on every tensor", () => {
    const model = handMade();
    const onWarning = vi.fn();
    const report = seed.prune(model, 0.01, { onWarning });
    const f = Math.fround;
    expect(Object.fromEntries(Object.entries(valuesOf(model)).map(([k, v]) => [k, [...v]]))).toEqual({
      "d/kernel": [0.5, 0, 0, f(0.01)],
      "d/bias": [0, f(0.02)],
      "n/gamma": [1, 0],
      "n/beta": [0, 0],
      "n/moving_mean": [0, 17],
      "n/moving_variance": [0, 16],
    });
    expect(report).toEqual({ total: 14, zeroed: 7, negative: 5, large: 4, notInKernels: 5 });
    expect(onWarning).toHaveBeenCalledOnce();
    expect(onWarning.mock.calls[0][0]).toContain("7 of 14 weights were set to 0");
    expect(onWarning.mock.calls[0][0]).toContain("5 of them were negative");
  });

  test("quantize: weight // 8, stored as it is, on every tensor", () => {
    const model = handMade();
    const onWarning = vi.fn();
    const report = seed.quantize(model, 8, { onWarning });
    const values = Object.fromEntries(Object.entries(valuesOf(model)).map(([k, v]) => [k, [...v]]));
    expect(values).toEqual({
      "d/kernel": [0, -1, 0, 0],
      "d/bias": [-1, 0],
      "n/gamma": [0, -1],
      "n/beta": [0, -1],
      "n/moving_mean": [-3, 2],
      "n/moving_variance": [0, 2],
    });
    expect(report).toEqual({ total: 14, zeroed: 6, minusOne: 4, distinctBefore: 14, distinctAfter: 4 });
    expect(onWarning.mock.calls[0][0]).toContain("left 4 distinct values of 14");
  });

  test("floors as NumPy does: other signs, exact quotients, NaN and infinities", () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 6, inputShape: [1], useBias: false })] });
    const run = (values: number[], constant: number) => {
      tf.tidy(() => model.setWeights([tf.tensor(values, [1, 6])]));
      seed.quantize(model, constant, { onWarning: () => {} });
      return [...model.getWeights()[0].dataSync()];
    };
    // numpy 2: np.float32([...]) // 8 and // -0.3
    expect(run([16, -16, 17.5, -17.5, Number.NaN, Number.POSITIVE_INFINITY], 8)).toEqual([
      2,
      -2,
      2,
      -3,
      Number.NaN,
      Number.NaN,
    ]);
    expect(run([0.3, -0.3, 1, -1, 0.29, -0.29], -0.3)).toEqual([-1, 1, -4, 3, -1, 0]);
  });

  test("warns on the console unless told otherwise, and refuses what is no number", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    seed.prune(handMade());
    seed.quantize(handMade());
    expect(warn).toHaveBeenCalledTimes(2);
    warn.mockRestore();
    expect(() => seed.prune(handMade(), Number.NaN)).toThrow("threshold: wanted a finite number, got NaN");
    expect(() => seed.quantize(handMade(), 0)).toThrow(
      "constant: wanted a finite number that is not 0, got 0",
    );
    expect(() => seed.prune({} as tf.LayersModel)).toThrow(TypeError);
  });

  test("nested and shared layers count once, and the model predicts with what is left", () => {
    const shared = tf.layers.dense({ units: 2, inputShape: [2], name: "shared" });
    const input = tf.input({ shape: [2] });
    const inner = tf.sequential({ layers: [shared] });
    const model = tf.model({
      inputs: input,
      outputs: inner.apply(shared.apply(input)) as tf.SymbolicTensor,
    });
    tf.tidy(() => shared.setWeights([tf.tensor2d([16, -1, 8, 9], [2, 2]), tf.tensor1d([7, -7])]));
    const x = tf.tensor2d([1, 2], [1, 2]);
    (model.predict(x) as tf.Tensor).dataSync();
    expect(seed.quantize(model, 8, { onWarning: () => {} }).total).toBe(6);
    // kernel [[2, -1], [1, 1]], bias [0, -1]: [4, 0] then [8, -5]
    expect([...(model.predict(x) as tf.Tensor).dataSync()]).toEqual([8, -5]);
  });
});

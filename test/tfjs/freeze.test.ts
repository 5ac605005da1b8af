/** Layers that run as in inference while the rest of the model trains. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  constantPart,
  freezeLayers,
  freezeNormalization,
  frozenPart,
  normalizations,
} from "../../src/tfjs.js";
import { expectClose } from "../graph/helpers.js";
import { backends, noise, randomize, useBackend, valuesOf } from "./support.js";

const { layers } = tf;

/** Normalizations at the top, in a nested model and in a wrapper, dropout between them. */
function normalized(): tf.Sequential {
  const inner = tf.sequential({
    name: "inner",
    layers: [
      layers.dense({ units: 6, inputShape: [3, 4], name: "dense" }),
      layers.batchNormalization({ name: "deep" }),
      layers.dropout({ rate: 0.5, name: "dropout" }),
    ],
  });
  const model = tf.sequential({
    layers: [
      layers.batchNormalization({ inputShape: [3, 4], name: "norm" }),
      inner,
      layers.timeDistributed({ layer: layers.batchNormalization({ name: "wrapped" }), name: "wrapper" }),
      layers.flatten({ name: "flat" }),
      layers.dense({ units: 2, name: "last" }),
    ],
  });
  randomize(model);
  return model;
}

const shape = [5, 3, 4];
const numbers = noise(60, 3);

function run(model: tf.LayersModel, training: boolean): Float32Array {
  return tf.tidy(() =>
    ((model.apply(tf.tensor(numbers, shape), { training }) as tf.Tensor).dataSync() as Float32Array).slice(),
  );
}

describe.each(backends)("freezing on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test("a frozen model computes in training what it predicts, and keeps its statistics to the bit", () => {
    const model = normalized();
    const before = valuesOf(model);
    const predicted = run(model, false);
    const tensors = tf.memory().numTensors;
    const end = freezeLayers([model]);
    expect(run(model, true)).toEqual(predicted);
    expect(valuesOf(model)).toEqual(before);
    end();
    expect(run(model, true)).not.toEqual(predicted);
    const after = valuesOf(model);
    const moved = Object.keys(after).filter((name) => `${after[name]}` !== `${before[name]}`);
    expect(moved).toEqual(Object.keys(after).filter((name) => name.includes("moving")));
    expect(moved.length).toBe(6);
    expect(tf.memory().numTensors).toBe(tensors);
    model.dispose();
  });

  test("frozen normalizations leave a dropout as it is", () => {
    const model = normalized();
    expect(normalizations([model]).map(({ name }) => name)).toEqual(["norm", "deep", "wrapped"]);
    const before = valuesOf(model);
    const end = freezeNormalization(model.layers);
    expect(run(model, true)).not.toEqual(run(model, true)); // two draws of the dropout
    end();
    expect(valuesOf(model)).toEqual(before);
    model.dispose();
  });

  test("a layer stays frozen until all who froze it end it, each of them once", () => {
    const model = normalized();
    const norm = model.getLayer("norm");
    const before = valuesOf(model)["norm/moving_mean"];
    const first = freezeLayers([norm, norm]);
    const second = freezeNormalization([norm]);
    first();
    first();
    run(model, true);
    expect(valuesOf(model)["norm/moving_mean"]).toEqual(before);
    second();
    expect(Object.hasOwn(norm, "call")).toBe(false);
    run(model, true);
    expect(valuesOf(model)["norm/moving_mean"]).not.toEqual(before);
    model.dispose();
  });

  test("a call that a layer had of its own is there again", () => {
    const layer = layers.dense({ units: 2, inputShape: [3] });
    const seen: unknown[] = [];
    const own: typeof layer.call = (inputs, kwargs) => {
      seen.push(kwargs.training);
      return inputs;
    };
    layer.call = own;
    const end = freezeLayers([layer]);
    const x = tf.zeros([1, 3]);
    layer.call(x, { training: true });
    end();
    layer.call(x, { training: true });
    expect(seen).toEqual([false, true]);
    expect(layer.call).toBe(own);
    x.dispose();
  });

  test("a part thaws after each forward pass, also one that throws", () => {
    const model = normalized();
    const { around } = frozenPart(model.layers);
    const norm = model.getLayer("norm");
    expect(around?.(() => Object.hasOwn(norm, "call"), true)).toBe(true);
    expect(Object.hasOwn(norm, "call")).toBe(false);
    const fail = () => {
      throw new Error("backend lost");
    };
    expect(() => around?.(fail, true)).toThrow("backend lost");
    expect(Object.hasOwn(norm, "call")).toBe(false);
    model.dispose();
  });

  // y = gamma (W x - mean) / sqrt(variance + 1e-3) + beta, so the gradient of sum(y) in W is, for each
  // input, the sum of x over the samples times gamma / sqrt(variance + 1e-3).
  test("gradients flow through a frozen normalization, by its moving statistics", () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 3, inputShape: [2], name: "dense" }),
        layers.batchNormalization({ name: "norm" }),
      ],
    });
    randomize(model);
    const values = valuesOf(model);
    const x = noise(8, 4);
    const end = freezeNormalization(model.layers);
    const got = tf.tidy(() => {
      const of = () =>
        tf.sum(model.apply(tf.tensor(x, [4, 2]), { training: true }) as tf.Tensor) as tf.Scalar;
      const { grads } = tf.variableGrads(of);
      return [
        ...(Object.values(grads)
          .find(({ size }) => size === 6)
          ?.dataSync() ?? []),
      ];
    });
    end();
    const sums = [0, 1].map((k) => [0, 1, 2, 3].reduce((sum, i) => sum + x[i * 2 + k], 0));
    const slopes = [0, 1, 2].map(
      (k) => values["norm/gamma"][k] / Math.sqrt(values["norm/moving_variance"][k] + 1e-3),
    );
    expectClose(
      Float32Array.from(got),
      Float32Array.from(sums.flatMap((sum) => slopes.map((s) => sum * s))),
      1e-5,
    );
    model.dispose();
  });

  test("constant layers give the bits of predict, and what comes after them still learns", () => {
    const model = normalized();
    const wanted = run(model, false);
    const { around } = constantPart(model.layers.slice(0, 4));
    const tensors = tf.memory().numTensors;
    tf.tidy(() => {
      let got = new Float32Array();
      const of = () =>
        around?.(() => {
          const output = model.apply(tf.tensor(numbers, shape), { training: true }) as tf.Tensor;
          got = (output.dataSync() as Float32Array).slice();
          return tf.sum(output) as tf.Scalar;
        }, true) as tf.Scalar;
      const learned = model.getLayer("last").trainableWeights.map((weight) => weight.read() as tf.Variable);
      const { grads } = tf.variableGrads(of, learned);
      expect(Object.values(grads).map(({ size }) => size)).toEqual([36, 2]);
      expect(got).toEqual(wanted);
      const all = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
      const reached = Object.values(tf.variableGrads(of, all).grads).filter((gradient) => gradient !== null);
      expect(reached.length).toBe(2);
    });
    expect(tf.memory().numTensors).toBe(tensors);
    expect(Object.hasOwn(model.getLayer("norm"), "call")).toBe(false);
    model.dispose();
  });
});

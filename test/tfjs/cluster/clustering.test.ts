/** Weight clustering while training: shared values, their gradients, zeros, and what compress makes of it. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { compress, type S8Weight } from "../../../src/index.js";
import { clustering } from "../../../src/tfjs/cluster/clustering.js";
import { listWeights } from "../../../src/tfjs/weights.js";
import { type FineTuneOptions, fineTune, modelArtifacts } from "../../../src/tfjs.js";
import { expectClose } from "../../graph/helpers.js";
import { backends, countZeros, noise, randomize, useBackend, valuesOf } from "../support.js";

const { layers } = tf;
const COUNT = 60;
const x = noise(COUNT * 6, 5);
const y = Int32Array.from({ length: COUNT }, (_, i) => (x[i * 6] > 0 ? 1 : x[i * 6 + 1] > 0 ? 2 : 0));
const data = { x, y };
const basics: FineTuneOptions = { epochs: 3, batchSize: 20, loss: "sparseCategoricalCrossentropy" };

function classifier(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      layers.dense({ units: 10, inputShape: [6], activation: "relu", name: "a" }),
      layers.dense({ units: 3, activation: "softmax", name: "b" }),
    ],
  });
  randomize(model, 3);
  return model;
}

const distinct = (values: ArrayLike<number>) =>
  new Set(Array.from(values).filter((value) => value !== 0)).size;

describe.each(backends)("on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(["linear", "kmeans++"] as const)(
    "%s: kernels end with k values, which moved, and biases do not",
    async (start) => {
      const model = classifier();
      const before = tf.memory().numTensors;
      await fineTune(model, data, { ...basics, cluster: { clusters: 5, start, seed: 3 } });
      expect(tf.memory().numTensors).toBe(before);
      const values = valuesOf(model);
      expect(distinct(values["a/kernel"])).toBe(5);
      expect(distinct(values["b/kernel"])).toBe(5);
      expect(distinct(values["a/bias"])).toBe(10);
      model.dispose();
    },
  );

  test("a step of plain descent moves a value by the sum of its members' gradients", async () => {
    const model = classifier();
    const first = classifier();
    // One step that learns nothing: what clustering alone makes of the weights.
    const cluster = { clusters: 4 };
    await fineTune(first, data, {
      ...basics,
      epochs: 1,
      batchSize: COUNT,
      optimizer: tf.train.sgd(0),
      cluster,
    });
    const start = valuesOf(first);

    const [variable] = first.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const gradient = tf.tidy(() => {
      const lossOf = () => {
        const output = first.apply(tf.tensor(x, [COUNT, 6])) as tf.Tensor;
        const rows = tf.oneHot(tf.tensor1d(y, "int32"), 3);
        return tf.mean(tf.neg(tf.sum(tf.mul(rows, tf.log(output)), -1))) as tf.Scalar;
      };
      return tf.variableGrads(lossOf, [variable]).grads[variable.name].dataSync().slice();
    });
    const sums = new Map<number, number>();
    start["a/kernel"].forEach((value, i) => {
      sums.set(value, (sums.get(value) ?? 0) + gradient[i]);
    });
    const wanted = start["a/kernel"].map((value) => value - 0.1 * (sums.get(value) as number));

    await fineTune(model, data, {
      ...basics,
      epochs: 1,
      batchSize: COUNT,
      optimizer: tf.train.sgd(0.1),
      cluster,
    });
    expectClose(valuesOf(model)["a/kernel"], wanted, 1e-5);
    model.dispose();
    first.dispose();
  });

  test("zeros stay zeros, with a mask that grows before it and one that is there already", async () => {
    const model = classifier();
    const before = tf.memory().numTensors;
    const { sparsities } = await fineTune(model, data, {
      ...basics,
      epochs: 6,
      prune: { sparsity: 0.5, scope: "local", end: 6 },
      cluster: { clusters: 3 },
    });
    expect(tf.memory().numTensors).toBe(before);
    const pruned = valuesOf(model);
    for (const name of ["a/kernel", "b/kernel"]) {
      expect(countZeros(pruned[name])).toBe(Math.round(sparsities[name] * pruned[name].length));
      expect(sparsities[name]).toBeGreaterThanOrEqual(0.5);
      expect(distinct(pruned[name])).toBe(3);
      expect(pruned[name].some((value) => Object.is(value, -0))).toBe(false);
    }
    // Momentum from the time before would move them apart.
    await fineTune(model, data, {
      ...basics,
      optimizer: tf.train.momentum(0.1, 0.9),
      cluster: { clusters: 3 },
    });
    const again = valuesOf(model);
    expect(distinct(again["a/kernel"])).toBe(3);
    again["a/kernel"].forEach((value, i) => {
      expect(value === 0).toBe(pruned["a/kernel"][i] === 0);
    });
    model.dispose();
  });

  test("begins where it is told to, in spite of what the optimizer kept of the steps before", async () => {
    const model = classifier();
    const lines: number[] = [];
    const optimizer = tf.train.adam(0.01);
    await fineTune(model, data, {
      ...basics,
      optimizer,
      cluster: { clusters: 4, begin: 4, include: "a" },
      onProgress: () => lines.push(distinct(valuesOf(model)["a/kernel"])),
    });
    expect(lines[0]).toBe(60);
    expect(lines.at(-1)).toBe(4);
    expect(distinct(valuesOf(model)["b/kernel"])).toBe(30);
    optimizer.dispose();
    model.dispose();
  });

  test("codes of compress are no more than the values that weights share", async () => {
    const model = classifier();
    const { ranges } = await fineTune(model, data, {
      ...basics,
      prune: { sparsity: 0.4, end: 2 },
      cluster: { clusters: 4 },
      quantize: true,
    });
    const values = valuesOf(model);
    expect(distinct(values["a/kernel"])).toBeLessThanOrEqual(4);
    for (const options of [{ ranges }, { calibration: x, equalization: false }]) {
      const { graph } = await compress(await modelArtifacts(model), options as { calibration: Float32Array });
      const { data: codes, scale } = graph.weights.get("a/kernel") as S8Weight;
      for (let channel = 0; channel < scale.length; channel++) {
        expect(distinct(codes.filter((_, i) => i % scale.length === channel))).toBeLessThanOrEqual(4);
      }
      expect(countZeros(codes)).toBeGreaterThanOrEqual(countZeros(values["a/kernel"]));
    }
    model.dispose();
  });

  test("members that a checkpoint kept are taken up again", async () => {
    const model = classifier();
    const part = () => clustering(model, listWeights(model), { clusters: 4 }, 10);
    const one = part();
    one.before?.(0);
    const state = one.state?.() ?? {};
    expect(distinct(state.arrays?.["a/kernel"].map((member) => member + 1) ?? [])).toBe(4);
    const other = part();
    other.restore?.(state);
    expect(other.state?.()).toEqual(state);
    // Weights that are moved apart by hand come together where the members say.
    const variable = model.trainableWeights[0].read() as tf.Variable;
    tf.tidy(() => variable.assign(tf.add(variable, tf.tensor(noise(60, 8), [6, 10]))));
    other.after?.(1);
    expect(distinct(valuesOf(model)["a/kernel"])).toBe(4);
    model.dispose();
  });

  test("says what is wrong with options and weights", async () => {
    const model = classifier();
    const before = tf.memory().numTensors;
    const wrong = (cluster: FineTuneOptions["cluster"]) =>
      fineTune(model, data, { ...basics, ...(cluster && { cluster }) });
    await expect(wrong({ clusters: 0 })).rejects.toThrow(
      "cluster: clusters: wanted an integer in [1, 65536], got 0",
    );
    await expect(wrong({ start: "random" as "linear" })).rejects.toThrow(
      "cluster: start: wanted linear or kmeans++",
    );
    await expect(wrong({ begin: 9 })).rejects.toThrow("cluster: begin: wanted an integer in [0, 9)");
    await expect(wrong({ include: "c" })).rejects.toThrow("include: no weight is meant by c");
    const variable = model.trainableWeights[0].read() as tf.Variable;
    tf.tidy(() => variable.assign(tf.fill([6, 10], Number.NaN)));
    await expect(wrong({})).rejects.toThrow("cluster: wanted finite weights in a/kernel, got NaN");
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });
});

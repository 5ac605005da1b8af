/** Training with quantization: it learns, in codes, with pruning, later or learned, and tells the runtime all. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { compress, type Ranges, type S8Weight } from "../../../src/index.js";
import { quantizing } from "../../../src/tfjs/qat/quantizing.js";
import { listSamples } from "../../../src/tfjs/qat/sample-list.js";
import {
  accuracyOf,
  type FineTuneOptions,
  fineTune,
  modelArtifacts,
  type QuantizeTrainingOptions,
  quantizedPredict,
} from "../../../src/tfjs.js";
import { backends, countZeros, noise, seededDense, useBackend, valuesOf } from "../support.js";
import { nets, pictures } from "./nets.js";

const { layers } = tf;
const COUNT = 300;
const x = noise(COUNT * 8, 5);
const y = Int32Array.from({ length: COUNT }, (_, i) => {
  return x[i * 8] + x[i * 8 + 1] > 0 ? 1 : x[i * 8 + 2] > 0 ? 2 : 0;
});
const data = { x, y };
const basics: FineTuneOptions = {
  epochs: 8,
  batchSize: 25,
  learningRate: 0.01,
  loss: "sparseCategoricalCrossentropy",
};

function classifier(): tf.LayersModel {
  return tf.sequential({
    layers: [
      seededDense("a", 16, "relu", 1, { inputShape: [8] }),
      seededDense("b", 12, "tanh", 2),
      seededDense("c", 3, "softmax", 3),
    ],
  });
}

const classOf = (data: Float32Array, i: number) => {
  const row = [...data.subarray(i * 3, i * 3 + 3)];
  return row.indexOf(Math.max(...row));
};

/** Samples on which tfjs, rounding, and the runtime name another class. */
async function differences(model: tf.LayersModel, ranges: Ranges, samples: Float32Array): Promise<number> {
  const { data: got, count } = await quantizedPredict(model, ranges, samples);
  const runner = (await compress(await modelArtifacts(model), { ranges })).createModel();
  const [wanted] = Object.values(runner.run(samples));
  let apart = 0;
  for (let i = 0; i < count; i++) apart += Number(classOf(got, i) !== classOf(wanted, i));
  runner.dispose();
  return apart;
}

describe.each(backends)("on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test.each<[string, QuantizeTrainingOptions | true]>([
    ["observed ranges", true],
    ["learned ranges", { ranges: "learned" }],
    ["ranges of min-max, later", { delay: 30, activations: "min-max", decay: 0.9, freeze: 60 }],
  ])("%s: learns, and the runtime agrees on every sample", async (_name, quantize) => {
    const model = classifier();
    const before = tf.memory().numTensors;
    const { ranges = {}, epochs } = await fineTune(model, data, { ...basics, quantize });
    expect(epochs[7].accuracy).toBeGreaterThan(0.9);
    expect(await differences(model, ranges, x)).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  test("with pruning: zeros are zeros in codes", async () => {
    const model = classifier();
    const prune = { sparsity: 0.6, pattern: "1x4", scope: "local" } as const;
    const { ranges = {}, sparsities } = await fineTune(model, data, { ...basics, prune, quantize: true });
    const values = valuesOf(model);
    const { graph } = await compress(await modelArtifacts(model), { ranges });
    for (const name of ["a/kernel", "b/kernel", "c/kernel"]) {
      const codes = graph.weights.get(name) as S8Weight;
      expect(sparsities[name]).toBeGreaterThanOrEqual(0.6);
      values[name].forEach((value, i) => {
        if (value === 0) expect(codes.data[i]).toBe(0);
      });
      expect(countZeros(values[name])).toBeGreaterThanOrEqual(0.6 * values[name].length);
    }
    expect(await differences(model, ranges, x)).toBe(0);
    model.dispose();
  });

  test("a step follows the gradient at the rounded weights and values", async () => {
    const model = tf.sequential({
      layers: [layers.dense({ units: 2, inputShape: [3], name: "a", useBias: false })],
    });
    tf.tidy(() => model.setWeights([tf.tensor([0.5, -0.31, 0.127, 0.4, -1, 0.2], [3, 2])]));
    const samples = Float32Array.of(0.3, -1, 0.77, 1, 0.2, -0.4);
    const target = Float32Array.of(1, 0, -1, 0.5);
    const rate = 0.1;
    const { ranges = {} } = await fineTune(
      model,
      { x: samples, y: target },
      {
        epochs: 1,
        batchSize: 2,
        loss: "meanSquaredError",
        optimizer: tf.train.sgd(rate),
        quantize: { activations: "min-max", freeze: 0 },
      },
    );
    const { min, max } = ranges.a_input;
    const step = (max - min) / 127;
    const rounded = samples.map((value) => Math.round(value / step) * step);
    const largest = [1, 0.4];
    const before = [0.5, -0.31, 0.127, 0.4, -1, 0.2];
    const kernel = before.map(
      (value, i) => (Math.round((value * 127) / largest[i % 2]) * largest[i % 2]) / 127,
    );
    const gradient = before.map(() => 0);
    for (let i = 0; i < 2; i++) {
      for (let o = 0; o < 2; o++) {
        let sum = 0;
        for (let k = 0; k < 3; k++) sum += rounded[i * 3 + k] * kernel[k * 2 + o];
        const slope = (2 * (sum - target[i * 2 + o])) / 4;
        for (let k = 0; k < 3; k++) gradient[k * 2 + o] += slope * rounded[i * 3 + k];
      }
    }
    valuesOf(model)["a/kernel"].forEach((value, i) => {
      expect(value).toBeCloseTo(before[i] - rate * gradient[i], 5);
    });
    model.dispose();
  });

  test("ranges that a checkpoint kept go on where they were", async () => {
    const model = classifier();
    const run = async (kind: "observed" | "learned") => {
      const part = await quantizing(model, x, { ranges: kind, decay: 0.5 }, 20);
      const step = (at: number) => {
        part.before?.(at);
        const lossOf = () => {
          const batch = listSamples(model, x).tensor(x.subarray(at * 80, at * 80 + 80));
          return tf.mean(
            part.around?.(() => model.apply(batch, { training: true }), true) as tf.Tensor,
          ) as tf.Scalar;
        };
        tf.tidy(() => void tf.variableGrads(lossOf));
        part.after?.(at);
      };
      return { part, step };
    };
    for (const kind of ["observed", "learned"] as const) {
      const before = tf.memory().numTensors;
      const whole = await run(kind);
      for (let at = 0; at < 6; at++) whole.step(at);
      const first = await run(kind);
      for (let at = 0; at < 3; at++) first.step(at);
      const second = await run(kind);
      second.part.restore?.(JSON.parse(JSON.stringify(first.part.state?.())));
      for (let at = 3; at < 6; at++) second.step(at);
      expect(second.part.ranges()).toEqual(whole.part.ranges());
      expect(second.part.ranges()).not.toEqual(first.part.ranges());
      for (const { part } of [whole, first, second]) part.dispose?.();
      expect(tf.memory().numTensors).toBe(before);
    }
    model.dispose();
  });

  test("says what is wrong, and leaves nothing behind", async () => {
    const model = classifier();
    const before = tf.memory().numTensors;
    const wrong = (quantize: unknown) => fineTune(model, data, { ...basics, quantize } as FineTuneOptions);
    await expect(wrong({ ranges: "fixed" })).rejects.toThrow(
      "quantize: ranges: wanted observed or learned, got fixed",
    );
    await expect(wrong({ delay: 96 })).rejects.toThrow("quantize: delay: wanted an integer in [0, 96)");
    await expect(wrong({ delay: 9, freeze: 3 })).rejects.toThrow(
      "quantize: freeze: wanted an integer >= 9, got 3",
    );
    await expect(wrong({ decay: 1 })).rejects.toThrow("quantize: decay: wanted a number in [0, 1), got 1");
    await expect(wrong({ samples: 0.5 })).rejects.toThrow(
      "quantize: samples: wanted an integer >= 1, got 0.5",
    );
    await expect(wrong({ keepF32: ["z"] })).rejects.toThrow(
      "keepF32: wanted names of layers (a, b, c/dense), got z",
    );
    await expect(wrong("yes")).rejects.toThrow(TypeError);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(fineTune(model, data, { ...basics, quantize: true, signal })).rejects.toThrow("enough");
    const [variable] = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const optimizer = tf.train.sgd(1e30);
    const { learningRate: _, ...rest } = basics;
    await expect(fineTune(model, data, { ...rest, optimizer, quantize: true })).rejects.toThrow(
      /^quantize: wanted finite/,
    );
    expect(variable.isDisposed).toBe(false);
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });
});

describe("convolutions on cpu", () => {
  beforeAll(() => useBackend("cpu"));
  const train = pictures(120);
  const test_ = pictures(300, 6);

  test.each(["convolutions, pools, dropout", "depthwise, normalization, relu6, sigmoid"] as const)(
    "%s: learns, statistics held, and the runtime agrees",
    async (name) => {
      const model = nets[name]();
      const options: FineTuneOptions = { ...basics, epochs: 3, batchSize: 20 };
      await fineTune(model, train, options);
      const before = tf.memory().numTensors;
      const first = valuesOf(model);
      const { ranges = {}, epochs } = await fineTune(model, train, { ...options, quantize: { decay: 0.9 } });
      expect(tf.memory().numTensors).toBe(before);
      expect(epochs[2].loss).toBeLessThan(epochs[0].loss);
      expect(await differences(model, ranges, test_.x)).toBeLessThanOrEqual(1);
      const after = valuesOf(model);
      for (const key of Object.keys(first)) {
        if (/moving/.test(key)) expect(after[key]).toEqual(first[key]);
        else expect(after[key]).not.toEqual(first[key]);
      }
      const { data: predicted, count } = await quantizedPredict(model, ranges, test_.x);
      const right = Array.from({ length: count }, (_, i) => Number(classOf(predicted, i) === test_.y[i]));
      const accuracy = right.reduce((sum, one) => sum + one, 0) / count;
      expect(Math.abs(accuracy - accuracyOf(model, test_.x, test_.y))).toBeLessThan(0.05);
      model.dispose();
    },
  );
});

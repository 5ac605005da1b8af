/** The training loop: fit's own numbers, masks at every step, nothing left behind. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  accuracyOf,
  constantSparsity,
  cosine,
  type FineTuneOptions,
  fineTune,
  type Progress,
  predictAll,
  pruneModel,
} from "../../src/tfjs.js";
import { expectClose } from "../graph/helpers.js";
import { backends, countZeros, noise, seededDense, useBackend, type Values, valuesOf } from "./support.js";

const { layers } = tf;
const COUNT = 40;
const x = noise(COUNT * 8, 5);
const labels = Int32Array.from({ length: COUNT }, (_, i) =>
  x[i * 8] + x[i * 8 + 1] > 0 ? 1 : x[i * 8 + 2] > 0 ? 2 : 0,
);
const data = { x, y: labels };

/** Two hidden layers on 8 inputs, 3 classes, seeded. */
function classifier(): tf.Sequential {
  return tf.sequential({
    layers: [
      seededDense("a", 16, "relu", 1, { inputShape: [8] }),
      seededDense("b", 12, "relu", 2),
      seededDense("c", 3, "softmax", 3),
    ],
  });
}

const loss = "sparseCategoricalCrossentropy";
const basics = { epochs: 2, batchSize: 8, loss } as const;

describe.each(backends)("fineTune on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  /** An optimizer that shows the weights before every step but the first. */
  function watched(
    optimizer: tf.Optimizer,
    model: tf.LayersModel,
    look: (values: Values) => void,
  ): tf.Optimizer {
    const minimize = optimizer.minimize.bind(optimizer);
    let first = true;
    optimizer.minimize = (...args) => {
      if (!first) look(valuesOf(model));
      first = false;
      return minimize(...args);
    };
    return optimizer;
  }

  function expectSame(got: Values, wanted: Values, bound: number): void {
    for (const [i, values] of Object.values(wanted).entries())
      expectClose(Object.values(got)[i], values, bound);
  }

  // With all samples in one step their order does not matter, so fit's shuffling is out of the way.
  test.each<[string, string, () => tf.Sequential, number]>([
    ["softmax, labels", "sparseCategoricalCrossentropy", classifier, 3],
    ["softmax, one-hot rows", "categoricalCrossentropy", classifier, 3],
    ["sigmoid", "binaryCrossentropy", () => classifierEnding("sigmoid"), 1],
    ["regression", "meanSquaredError", () => classifierEnding("linear"), 1],
    ["regression, absolute", "meanAbsoluteError", () => classifierEnding("linear"), 1],
    ["regularizers and batch norm", "meanSquaredError", regularized, 1],
    ["a loss that only the model knows", "meanSquaredLogarithmicError", () => classifierEnding("sigmoid"), 1],
  ])("takes the steps of model.fit: %s", async (_, lossName, make, outputs) => {
    const ours = make();
    const theirs = make();
    theirs.setWeights(ours.getWeights());
    const targets =
      lossName === loss
        ? Float32Array.from(labels)
        : Float32Array.from({ length: COUNT * outputs }, (_, i) =>
            Number(labels[Math.floor(i / outputs)] === (outputs > 1 ? i % outputs : 1)),
          );
    const xs = tf.tensor2d(x, [COUNT, 8]);
    const ys = tf.tensor2d(targets, [COUNT, targets.length / COUNT]);
    theirs.compile({ optimizer: tf.train.adam(0.01), loss: lossName, metrics: ["accuracy"] });
    ours.compile({ optimizer: "sgd", loss: lossName });
    const history = await theirs.fit(xs, ys, { epochs: 5, batchSize: COUNT, shuffle: false, verbose: 0 });
    const result = await fineTune(
      ours,
      { x, y: targets },
      { epochs: 5, batchSize: COUNT, learningRate: 0.01 },
    );
    expectClose(
      result.epochs.map((epoch) => epoch.loss),
      history.history.loss as number[],
      1e-5,
    );
    if (result.epochs[0].accuracy !== undefined) {
      expectClose(
        result.epochs.map((epoch) => epoch.accuracy as number),
        history.history.acc as number[],
        1e-6,
      );
    } else expect(lossName).toMatch(/^mean/);
    expectSame(valuesOf(ours), valuesOf(theirs), 1e-4);
  });

  test("the same seed gives the same bits, another seed others; tensors are as good as arrays", async () => {
    const run = async (options: Partial<FineTuneOptions>, given: Parameters<typeof fineTune>[1] = data) => {
      const model = classifier();
      await fineTune(model, given, { ...basics, ...options });
      return valuesOf(model)["a/kernel"] ?? Object.values(valuesOf(model))[0];
    };
    const first = await run({ seed: 7 });
    expect(await run({ seed: 7 })).toEqual(first);
    expect(await run({ seed: 8 })).not.toEqual(first);
    expect(
      await run({ seed: 7 }, { x: tf.tensor2d(x, [COUNT, 8]), y: tf.tensor1d(labels, "int32") }),
    ).toEqual(first);
  });

  test.each(["unstructured", "1x4", "4x4"] as const)(
    "prunes gradually, %s, masks held by Adam",
    async (pattern) => {
      const model = classifier();
      const seen: number[] = [];
      let gone: Values = {};
      const optimizer = watched(tf.train.adam(0.05), model, (values) => {
        for (const [name, mask] of Object.entries(gone)) {
          mask.forEach((value, i) => {
            if (value === 0 && values[name][i] !== 0) throw new Error(`${name}[${i}] came back`);
          });
        }
        gone = Object.fromEntries(["a/kernel", "b/kernel"].map((name) => [name, values[name]]));
        seen.push(countZeros(values["a/kernel"]) / 128);
      });
      const result = await fineTune(model, data, {
        ...basics,
        epochs: 8,
        optimizer,
        prune: { sparsity: 0.5, pattern, scope: "local", begin: 3, end: 25, frequency: 4, exclude: "c" },
      });
      expect(result.steps).toBe(40);
      expect(seen.slice(0, 3)).toEqual([0, 0, 0]);
      expect(new Set(seen).size).toBeGreaterThan(3);
      expect(seen.slice(26)).toEqual(seen.slice(26).map(() => 0.5));
      const after = valuesOf(model);
      for (const name of ["a/kernel", "b/kernel"]) {
        expect(countZeros(after[name])).toBe(after[name].length / 2);
        expect(after[name].some((value) => Object.is(value, -0))).toBe(false);
        expect(result.sparsities[name]).toBe(0.5);
      }
      expect(countZeros(after["c/kernel"])).toBe(0);
      expect(result.sparsity).toBe(0.5);
      optimizer.dispose();
    },
  );

  test("n:m ends with n of m, momentum or not; constant and cosine; targets of their own", async () => {
    const model = classifier();
    const momentum = tf.train.momentum(0.05, 0.9);
    await fineTune(model, data, {
      ...basics,
      epochs: 4,
      optimizer: momentum,
      prune: { pattern: "2:4", schedule: cosine(), exclude: "c" },
    });
    momentum.dispose();
    for (const [name, outputs] of [
      ["a/kernel", 16],
      ["b/kernel", 12],
    ] as const) {
      const values = valuesOf(model)[name];
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < values.length / outputs; i += 4) {
          const group = [0, 1, 2, 3].map((k) => values[(i + k) * outputs + o]);
          expect(countZeros(group)).toBe(2);
        }
      }
    }
    const other = classifier();
    const { sparsities } = await fineTune(other, data, {
      ...basics,
      prune: { sparsity: 0.5, schedule: constantSparsity(), targets: { a: 0.75, "c/kernel": 0 } },
    });
    expect(sparsities).toEqual({ "a/kernel": 0.75, "b/kernel": 0.5, "c/kernel": 0 });
    expect(countZeros(valuesOf(other)["a/kernel"])).toBe(96);
  });

  test("a pruned model does not become denser: sparsity 0 holds the zeros there are", async () => {
    const model = classifier();
    pruneModel(model, { sparsity: 0.75, include: "a" });
    const before = valuesOf(model)["a/kernel"];
    await fineTune(model, data, { ...basics, prune: { sparsity: 0 } });
    const after = valuesOf(model)["a/kernel"];
    expect([...after].map((value) => value === 0)).toEqual([...before].map((value) => value === 0));
    expect(after).not.toEqual(before);
  });

  test("leaves no tensor behind: done, refused, cancelled", async () => {
    const model = classifier();
    await fineTune(model, data, basics); // tfjs makes a few constants of its own, once
    const before = tf.memory().numTensors;
    await fineTune(model, data, { ...basics, prune: { sparsity: 0.5 } });
    expect(tf.memory().numTensors).toBe(before);
    predictAll(model, x);
    accuracyOf(model, x, labels);
    expect(tf.memory().numTensors).toBe(before);
    await expect(fineTune(model, data, { ...basics, seed: 0.5 })).rejects.toThrow(RangeError);
    await expect(
      fineTune(model, data, { ...basics, prune: { sparsity: 0.5, schedule: () => 2 } }),
    ).rejects.toThrow("schedule: wanted a share in [0, 1], got 2 at step 0");
    const controller = new AbortController();
    const reason = new Error("enough");
    const steps: number[] = [];
    const run = fineTune(model, data, {
      ...basics,
      epochs: 1000,
      prune: { sparsity: 0.9, end: 10 },
      signal: controller.signal,
      onProgress: ({ step }) => {
        steps.push(step);
        if (step >= 15) controller.abort(reason);
      },
    });
    await expect(run).rejects.toBe(reason);
    expect(steps.at(-1)).toBeLessThan(5000);
    expect(tf.memory().numTensors).toBe(before);
    expect(countZeros(valuesOf(model)["a/kernel"])).toBeGreaterThanOrEqual(0.9 * 128);
    await expect(fineTune(model, data, { ...basics, signal: controller.signal })).rejects.toBe(reason);
  });

  test("a loss of one's own trains, and what it throws is thrown", async () => {
    const model = classifier();
    const targets = noise(COUNT * 3);
    const own = (target: tf.Tensor, output: tf.Tensor) => tf.square(tf.sub(target, output));
    const { epochs } = await fineTune(model, { x, y: targets }, { ...basics, loss: own, epochs: 5 });
    expect(epochs[4].loss).toBeLessThan(epochs[0].loss);
    expect(epochs[0]).not.toHaveProperty("accuracy");
    const failing = () => {
      throw new Error("of the loss");
    };
    await expect(fineTune(model, { x, y: targets }, { ...basics, loss: failing })).rejects.toThrow(
      "of the loss",
    );
  });

  test("a timer comes through, and ends the run", async () => {
    const run = fineTune(classifier(), data, { ...basics, epochs: 1e6, signal: AbortSignal.timeout(250) });
    await expect(run).rejects.toMatchObject({ name: "TimeoutError" });
  });

  test("tells its progress", async () => {
    const told: Progress[] = [];
    await fineTune(classifier(), data, {
      ...basics,
      batchSize: 16,
      onProgress: (progress) => told.push(progress),
    });
    const ends = told.filter(({ step }) => step % 3 === 0);
    expect(ends.map(({ epoch, step, steps }) => [epoch, step, steps])).toEqual([
      [1, 3, 6],
      [2, 6, 6],
    ]);
    expect(ends[1]).toMatchObject({ secondsLeft: 0, sparsity: 0 });
    expect(ends[0].secondsLeft).toBeGreaterThan(0);
    expect(ends[1].loss).toBeLessThan(ends[0].loss + 0.5);
    expect(ends[1].accuracy).toBeGreaterThan(0);
  });

  test("trains what is trainable, and only that", async () => {
    const model = classifier();
    model.layers[0].trainable = false;
    const before = valuesOf(model);
    const { sparsities } = await fineTune(model, data, { ...basics, prune: { sparsity: 0.5 } });
    expect(valuesOf(model)["a/kernel"]).toEqual(before["a/kernel"]);
    expect(Object.keys(sparsities)).toEqual(["b/kernel", "c/kernel"]);
  });

  test.each<[Partial<FineTuneOptions>, string]>([
    [{ epochs: 0 }, "epochs: wanted an integer >= 1, got 0"],
    [{ batchSize: 1.5 }, "batchSize: wanted an integer >= 1, got 1.5"],
    [{ learningRate: -1 }, "learningRate: wanted a finite number > 0, got -1"],
    [{ loss: "guess" as "meanSquaredError" }, "loss: wanted one of sparseCategoricalCrossentropy, "],
    [{ loss: "meanSquaredError" }, "y: wanted whole samples of [3], got 40 numbers"],
    [{ prune: {} }, "sparsity: wanted one for a/kernel, got none"],
    [{ prune: { sparsity: 1 } }, "sparsity: wanted a share in [0, 1), got 1"],
    [{ prune: { sparsity: 0.5, pattern: "2:4" } }, "sparsity: pattern 2:4 has its own"],
    [
      { prune: { sparsity: 0.5, begin: 10 } },
      "begin: wanted an integer in [0, 10), the steps of this run, got 10",
    ],
    [{ prune: { sparsity: 0.5, end: 10 } }, "end: wanted an integer in [0, 10), got 10"],
    [{ prune: { sparsity: 0.5, frequency: 0 } }, "frequency: wanted an integer >= 1, got 0"],
    [{ prune: { sparsity: 0.5, targets: { d: 0.5 } } }, "targets: no weight that is pruned is meant by d"],
    [
      { prune: { sparsity: 0.5, schedule: "cosine" as never } },
      "schedule: wanted polynomialDecay() or another",
    ],
    [{ epocs: 3 } as never, "fineTune: wanted one of the options epochs, batchSize, "],
    [{ prune: { sparsity: 0.5, every: 3 } as never }, "prune: wanted one of the options include, "],
    [{ quantize: { range: "learned" } as never }, "quantize: wanted one of the options ranges, "],
    [{ cluster: true as never }, "cluster: wanted an object of options, got boolean"],
    [{ cluster: { k: 4 } as never }, "cluster: wanted one of the options include, "],
    [{ validation: data, earlyStopping: { patience: 1, delta: 1 } as never }, "got delta"],
    [{ seed: "a" as never }, "seed is a safe integer, got a"],
  ])("refuses %o", async (options, message) => {
    await expect(fineTune(classifier(), data, { ...basics, ...options })).rejects.toThrow(message);
  });

  test("takes the loss of a model that was compiled with a list of one", async () => {
    const model = classifier();
    model.compile({ optimizer: "adam", loss: [loss] });
    const { epochs } = await fineTune(model, data, { epochs: 1, batchSize: 8 });
    expect(epochs).toEqual((await fineTune(classifier(), data, { ...basics, epochs: 1 })).epochs);
  });

  test("refuses data that does not fit", async () => {
    const run = (given: Parameters<typeof fineTune>[1], model: tf.LayersModel = classifier()) =>
      fineTune(model, given, basics);
    await expect(run({ x: x.subarray(1), y: labels })).rejects.toThrow(
      "x: wanted whole samples of [8], got 319",
    );
    await expect(run({ x, y: labels.subarray(1) })).rejects.toThrow(
      "y: wanted 40 labels as x has samples, got 39",
    );
    await expect(run({ x, y: labels.map(() => 3) })).rejects.toThrow("integers in [0, 3), got 3 at 0");
    await expect(run({ x: [1] as unknown as Float32Array, y: labels })).rejects.toThrow(TypeError);
    const cosineOf: FineTuneOptions = { ...basics, learningRate: "cosine" as never };
    await expect(fineTune(classifier(), data, cosineOf)).rejects.toThrow(
      /learningRate: wanted .* such as cosineRate\(\{ from: 0\.001 \}\), .* got "cosine"/,
    );
    await expect(fineTune(classifier(), data, { epochs: 1 })).rejects.toThrow(
      "got none, of a model that is not compiled",
    );
    await expect(run(undefined as never)).rejects.toThrow("data: wanted { x, y }, got undefined");
    await expect(fineTune(classifier(), data, undefined as never)).rejects.toThrow(
      "fineTune: wanted an object of options, got undefined",
    );
    const broken = x.slice();
    broken[19] = Number.NaN;
    await expect(run({ x: broken, y: labels })).rejects.toThrow(
      "x: wanted finite numbers, got NaN in sample 2 at 3",
    );
    const [turned, flat] = [tf.tensor2d(x, [8, COUNT]), tf.tensor1d(x)];
    await expect(run({ x: turned, y: labels })).rejects.toThrow("x: wanted [40, 8], got [8, 40]");
    await expect(run({ x: flat, y: labels })).resolves.toBeDefined();
    tf.dispose([turned, flat]);
    await expect(run(data, classifierEnding("sigmoid"))).rejects.toThrow("one output of [classes], got [1]");
    const open = tf.sequential({ layers: [layers.dense({ units: 3, inputShape: [null, 8] })] });
    await expect(run(data, open)).rejects.toThrow("wanted an input of known sizes, got [?, 8]");
    const two = tf.input({ shape: [8] });
    const pair = tf.model({
      inputs: two,
      outputs: [two, layers.dense({ units: 3 }).apply(two) as tf.SymbolicTensor],
    });
    await expect(run(data, pair)).rejects.toThrow("model: wanted one output, got 2");
  });

  test("predictAll and accuracyOf go through all samples, whatever the batch", () => {
    const model = classifier();
    const wanted = (model.predict(tf.tensor2d(x, [COUNT, 8])) as tf.Tensor).dataSync();
    for (const batchSize of [1, 7, 40, 100]) {
      const { data: got, count, shape } = predictAll(model, x, batchSize);
      expect([count, ...shape]).toEqual([COUNT, 3]);
      expectClose(got, wanted, 1e-6);
    }
    const best = Array.from({ length: COUNT }, (_, i) => {
      const row = wanted.slice(i * 3, i * 3 + 3);
      return row.indexOf(Math.max(...row));
    });
    expect(accuracyOf(model, x, best, 7)).toBe(1);
    expect(
      accuracyOf(
        model,
        x,
        best.map((label, i) => (i < 10 ? (label + 1) % 3 : label)),
      ),
    ).toBe(0.75);
    expect(() => accuracyOf(model, x, [1])).toThrow("labels: wanted 40, got 1");
    expect(() => predictAll(model, x, 0)).toThrow("batchSize: wanted an integer >= 1, got 0");
    const yes = classifierEnding("sigmoid");
    const sides = Array.from(predictAll(yes, x).data, (value) => Number(value > 0.5));
    expect(accuracyOf(yes, x, sides)).toBe(1);
  });
});

function classifierEnding(activation: "sigmoid" | "linear"): tf.Sequential {
  return tf.sequential({
    layers: [
      layers.dense({ units: 16, inputShape: [8], activation: "tanh" }),
      layers.dense({ units: 1, activation }),
    ],
  });
}

function regularized(): tf.Sequential {
  return tf.sequential({
    layers: [
      // No bias: its gradient before a normalization is 0 but for rounding, which Adam makes large.
      layers.dense({
        units: 16,
        inputShape: [8],
        useBias: false,
        kernelRegularizer: tf.regularizers.l2({ l2: 0.01 }),
      }),
      layers.batchNormalization(),
      layers.reLU(),
      layers.dense({ units: 1, kernelRegularizer: tf.regularizers.l1({ l1: 0.01 }) }),
    ],
  });
}

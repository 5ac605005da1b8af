/** What a run composes: terms beside the labels, samples without labels, parts, weights that learn. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type FineTuneOptions,
  fineTune,
  type LossTerm,
  type StepPart,
  type TrainingData,
} from "../../src/tfjs.js";
import { expectClose } from "../graph/helpers.js";
import { backends, noise, useBackend, valuesOf } from "./support.js";

const { layers } = tf;
const COUNT = 40;
const x = noise(COUNT * 8, 5);
const labels = Int32Array.from({ length: COUNT }, (_, i) => i % 3);
const data = { x, y: labels };
const loss = "sparseCategoricalCrossentropy";
const basics = { epochs: 2, batchSize: 8, loss } as const;

/** With everything that acts in training alone: batch norm, regularizers. */
function classifier(): tf.Sequential {
  const kernelInitializer = (seed: number) => tf.initializers.glorotUniform({ seed });
  const kernelRegularizer = tf.regularizers.l2({ l2: 0.01 });
  return tf.sequential({
    layers: [
      layers.dense({
        units: 16,
        inputShape: [8],
        name: "a",
        kernelInitializer: kernelInitializer(1),
        kernelRegularizer,
      }),
      layers.batchNormalization({ name: "norm" }),
      layers.activation({ activation: "relu", name: "relu" }),
      layers.dense({ units: 3, activation: "softmax", name: "c", kernelInitializer: kernelInitializer(3) }),
    ],
  });
}

async function trained(options: Partial<FineTuneOptions>, given: TrainingData = data) {
  const model = classifier();
  try {
    const result = await fineTune(model, given, { ...basics, ...options });
    return { result, values: Object.values(valuesOf(model)) };
  } finally {
    model.dispose();
  }
}

/** Looks at a batch and adds nothing to the loss. */
function watching(layers: readonly string[], look: Parameters<typeof watched>[1]): LossTerm {
  return { name: "watching", layers, of: (batch) => watched(batch, look) };
}

function watched(batch: Parameters<LossTerm["of"]>[0], look: (batch: Parameters<LossTerm["of"]>[0]) => void) {
  look(batch);
  return tf.scalar(0);
}

describe.each(backends)("a run on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test("with the outputs of layers learns what it learns without, bit by bit", async () => {
    const plain = await trained({});
    const shapes: number[][] = [];
    const several = await trained({
      terms: [
        watching(["relu", "a", "c"], ({ activation, output, x: given, indices }) => {
          shapes.push(activation("a").shape, activation("relu").shape);
          expect(activation("c")).toBe(output);
          // What the layer after it makes of it.
          expect((tf.relu(activation("relu")) as tf.Tensor).dataSync()).toEqual(
            activation("relu").dataSync(),
          );
          expect([...given.dataSync().subarray(0, 8)]).toEqual([
            ...x.subarray(indices[0] * 8, indices[0] * 8 + 8),
          ]);
          expect(() => activation("norm")).toThrow(
            "activation: wanted a layer that the term names, got norm",
          );
        }),
      ],
    });
    expect(several.values).toEqual(plain.values);
    expect(shapes.slice(0, 2)).toEqual([
      [8, 16],
      [8, 16],
    ]);
    expect(several.result.epochs[1]).toEqual({ ...plain.result.epochs[1], terms: { watching: 0 } });
  });

  test("gives gradients through a layer's output, weighed as asked", async () => {
    // The mean of squares of layer a's output, beside half of the label loss; one step of SGD, by hand.
    const ours = classifier();
    const theirs = classifier();
    const optimizer = tf.train.sgd(0.1);
    const term: LossTerm = {
      name: "small",
      layers: ["a"],
      of: ({ activation }) => tf.mean(tf.square(activation("a"))),
    };
    const result = await fineTune(ours, data, {
      ...basics,
      epochs: 1,
      batchSize: COUNT,
      optimizer,
      terms: [term],
      labelWeight: 0.5,
    });
    const wanted = tf.tidy(() => {
      const xs = tf.tensor2d(x, [COUNT, 8]);
      const ys = tf.oneHot(tf.tensor1d(labels, "int32"), 3);
      let small = 0;
      const value = optimizer.minimize(() => {
        const output = theirs.apply(xs, { training: true }) as tf.Tensor;
        const a = theirs.layers[0].apply(xs) as tf.Tensor;
        const own = tf.mean(tf.square(a));
        small = own.dataSync()[0];
        const labelLoss = tf.neg(tf.mean(tf.sum(tf.mul(ys, tf.log(output)), -1)));
        return tf.addN([tf.mul(labelLoss, 0.5), own, ...theirs.calculateLosses()]) as tf.Scalar;
      }, true) as tf.Scalar;
      return { loss: value.dataSync()[0], small };
    });
    expectClose(
      [result.epochs[0].loss, result.epochs[0].terms?.small as number],
      [wanted.loss, wanted.small],
      1e-5,
    );
    const got = Object.values(valuesOf(ours));
    for (const [i, values] of Object.values(valuesOf(theirs)).entries()) expectClose(got[i], values, 1e-5);
    optimizer.dispose();
  });

  test("samples without a label count for nothing in the label loss", async () => {
    // 3 of 4 have none: in one batch it is the loss of the quarter that has, but for batch norm.
    const dense = () =>
      tf.sequential({
        layers: [
          layers.dense({
            units: 3,
            inputShape: [8],
            activation: "softmax",
            kernelInitializer: tf.initializers.glorotUniform({ seed: 4 }),
          }),
        ],
      });
    const some = Int32Array.from(labels, (label, i) => (i < 10 ? label : -1));
    const ours = dense();
    const theirs = dense();
    const options = { ...basics, batchSize: COUNT, epochs: 3 };
    const { epochs } = await fineTune(ours, { x, y: some }, options);
    const wanted = await fineTune(theirs, { x: x.slice(0, 80), y: labels.slice(0, 10) }, options);
    expectClose(Object.values(valuesOf(ours))[0], Object.values(valuesOf(theirs))[0], 1e-5);
    for (const [i, epoch] of epochs.entries()) {
      expectClose([epoch.loss], [wanted.epochs[i].loss], 1e-5);
      expect(epoch.accuracy).toBe(wanted.epochs[i].accuracy);
    }
    // Where no sample has one there is nothing to learn, unless a term says what.
    const none = { x, y: labels.map(() => -1) };
    await expect(fineTune(dense(), none, options)).rejects.toThrow("y: wanted samples with labels, got none");
    const term: LossTerm = { name: "flat", of: ({ output }) => tf.mean(output) as tf.Scalar };
    const learned = await fineTune(dense(), none, { ...options, terms: [term] });
    expect(learned.epochs[0].loss).toBeCloseTo(1 / 3, 5);
  });

  test("goes without labels where the terms do all", async () => {
    const term: LossTerm = {
      name: "flat",
      of: ({ output, y }) => tf.add(tf.mean(tf.square(output)), tf.sum(y)),
    };
    const { result } = await trained({ labelWeight: 0, terms: [term], epochs: 5 }, { x });
    expect(result.epochs[4].terms?.flat).toBeLessThan(result.epochs[0].terms?.flat as number);
    expect(result.epochs[0]).not.toHaveProperty("accuracy");
    const labelled = await trained({ labelWeight: 0, terms: [watching([], () => {})], epochs: 1 });
    expect(labelled.result.epochs[0].accuracy).toBeGreaterThan(0);
  });

  test("calls its parts in order, and lets them stand around the pass", async () => {
    const calls: string[] = [];
    const part = (name: string): StepPart => ({
      name,
      before: (step) => calls.push(`${name} before ${step}`),
      around: (forward, training) => {
        calls.push(`${name} opens ${training}`);
        const outputs = forward();
        calls.push(`${name} closes`);
        return outputs;
      },
      after: (step) => calls.push(`${name} after ${step}`),
      finish: () => calls.push(`${name} finish`),
      dispose: () => calls.push(`${name} dispose`),
    });
    const parts = [part("p"), part("q")];
    await trained({ parts, epochs: 1, batchSize: COUNT, validation: data });
    expect(calls).toEqual([
      "p before 0", "q before 0", "p opens true", "q opens true", "q closes", "p closes", "p after 0", "q after 0",
      "p opens false", "q opens false", "q closes", "p closes", "p finish", "q finish", "p dispose", "q dispose",
    ]); // biome-ignore format: as called
    calls.length = 0;
    await expect(trained({ parts, epochs: 0 })).rejects.toThrow("epochs");
    expect(calls).toEqual(["p dispose", "q dispose"]);
  });

  test("trains the weights that are chosen, and prunes no other", async () => {
    const start = Object.values(valuesOf(classifier()));
    const { values, result } = await trained({
      variables: ({ layer }) => layer === "c",
      prune: { sparsity: 0.5 },
    });
    const changed = values.map((array, i) => array.some((value, k) => value !== start[i][k]));
    // Kernel and bias of a, gamma, beta; those of c; moving mean and variance.
    expect(Object.keys(result.sparsities)).toEqual(["c/kernel"]);
    expect(changed.filter(Boolean)).toHaveLength(4);
    expect(changed.slice(0, 4)).toEqual([false, false, false, false]);
  });

  test("augments what the model sees, by the seed, and not the data", async () => {
    const before = x.slice();
    const seen: number[][] = [];
    const run = (seed: number) =>
      trained({
        seed,
        augment: (xs, count, shape, random) => {
          seen.push([xs.length, count, ...shape]);
          for (let i = 0; i < xs.length; i++) xs[i] += random.normal();
        },
        terms: [
          watching([], ({ x: given, indices }) => expect(given.dataSync()[0]).not.toBe(x[indices[0] * 8])),
        ],
      });
    const first = await run(1);
    expect(seen[0]).toEqual([64, 8, 8]);
    expect((await run(1)).values).toEqual(first.values);
    expect((await run(2)).values).not.toEqual(first.values);
    expect(x).toEqual(before);
  });

  test("leaves no tensor behind, whatever a term does", async () => {
    await trained({});
    const before = tf.memory().numTensors;
    const owning = (of: LossTerm["of"]): LossTerm => {
      let own: tf.Variable;
      return {
        name: "owning",
        layers: ["a"],
        open: () => {
          own = tf.tidy(() => tf.variable(tf.scalar(2)));
        },
        variables: () => [own],
        of: (batch) => tf.add(of(batch), tf.square(own)),
        dispose: () => own?.dispose(),
      };
    };
    const { result } = await trained({ terms: [owning(() => tf.scalar(1))], epochs: 20, learningRate: 0.05 });
    expect(result.epochs[19].terms?.owning).toBeLessThan(2);
    expect(tf.memory().numTensors).toBe(before);
    await expect(trained({ terms: [owning(({ output }) => output)] })).rejects.toThrow(
      "owning: wanted a scalar, got [8, 3]",
    );
    const failing = owning(() => {
      throw new Error("of the term");
    });
    await expect(trained({ terms: [failing] })).rejects.toThrow("of the term");
    await expect(trained({ terms: [{ ...failing, layers: ["z"] }] })).rejects.toThrow(
      "layers: wanted one of a_input, a, norm, relu, c, got z",
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each<[Partial<FineTuneOptions>, string]>([
    [{ labelWeight: -1 }, "labelWeight: wanted a finite number >= 0, got -1"],
    [{ labelWeight: 0 }, "labelWeight: wanted one > 0 where there are no terms, got 0"],
    [
      { parts: [{ name: "prune" }], prune: { sparsity: 0.5 } },
      "parts: wanted names that differ, got prune twice",
    ],
    [
      { variables: () => false },
      "variables: wanted some of a/kernel, a/bias, norm/gamma, norm/beta, c/kernel, c/bias, got none",
    ],
    [{ earlyStopping: { patience: 1 } }, "earlyStopping: wanted validation data with it, got none"],
    [{ validation: data, earlyStopping: { patience: 0 } }, "patience: wanted an integer >= 1, got 0"],
    [{ validation: { x } }, "validation: wanted a loss and y, got none"],
    [{ learningRate: () => Number.NaN }, "learningRate: wanted a finite number >= 0, got NaN at step 0"],
  ])("refuses %o", async (options, message) => {
    await expect(trained(options)).rejects.toThrow(message);
  });

  test("refuses to learn from labels that are not there", async () => {
    await expect(trained({}, { x })).rejects.toThrow(
      "y: wanted answers, got none: only with labelWeight 0, not 1",
    );
  });
});

test("a layer that two models share, and one that is used twice", async () => {
  await useBackend("cpu");
  const input = tf.input({ shape: [8] });
  const shared = layers.dense({ units: 8, name: "shared" });
  const once = shared.apply(input) as tf.SymbolicTensor;
  const head = layers.dense({ units: 3, activation: "softmax", name: "head" });
  const model = tf.model({ inputs: input, outputs: head.apply(once) as tf.SymbolicTensor });
  const twice = tf.model({
    inputs: input,
    outputs: layers.dense({ units: 3, activation: "softmax" }).apply(shared.apply(once)) as tf.SymbolicTensor,
  });
  const terms = [
    watching(["shared"], ({ activation }) => expect(activation("shared").shape).toEqual([8, 8])),
  ];
  await fineTune(model, data, { ...basics, terms });
  await expect(fineTune(twice, data, { ...basics, terms })).rejects.toThrow(
    "layers: wanted a layer with one output, shared has 2",
  );
});

/** Transfer learning: what is frozen stays so to the bit, and features that are kept change nothing. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type CheckpointStore,
  fineTune,
  frozenPart,
  headFor,
  type TransferOptions,
  type TransferPhase,
  type TransferProgress,
  transfer,
} from "../../src/tfjs.js";
import { expectClose } from "../graph/helpers.js";
import { backends, noise, randomize, useBackend, type Values, valuesOf } from "./support.js";

const { layers } = tf;
const COUNT = 30;
const x = noise(COUNT * 6, 5);
const y = Int32Array.from({ length: COUNT }, (_, i) => (x[i * 6] > 0 ? 2 : x[i * 6 + 1] > 0 ? 1 : 0));
const data = { x, y };

/** Normalizations at the top and in a nested model, a dropout, and an end that a transfer cuts off. */
function makeBase(): tf.LayersModel {
  const inner = tf.sequential({
    name: "block",
    layers: [
      layers.dense({ units: 7, inputShape: [8], activation: "relu", name: "inner" }),
      layers.batchNormalization({ name: "innerNorm" }),
    ],
  });
  const input = tf.input({ shape: [6] });
  let t = layers.dense({ units: 8, activation: "relu", name: "first" }).apply(input);
  t = layers.batchNormalization({ name: "norm" }).apply(t);
  t = layers.dropout({ rate: 0.5, name: "drop" }).apply(t);
  t = inner.apply(t);
  const outputs = layers.dense({ units: 4, name: "old" }).apply(t) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs, name: "base" });
  randomize(model);
  return model;
}

const frozenPhase = { epochs: 2, learningRate: 0.01 };
const usual = { layer: "block", classes: 3, head: { units: 5, dropout: 0.3 }, data, batchSize: 8, seed: 4 };

/** Names of the weights that differ in any bit. */
function changed(before: Values, after: Values): string[] {
  const bits = (values: Float32Array) => new Int32Array(values.buffer, values.byteOffset, values.length);
  return Object.keys(before).filter((name) => `${bits(before[name])}` !== `${bits(after[name])}`);
}

const ofInner = ["inner/kernel", "inner/bias"];

describe.each(backends)("transfer on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  /** Runs a transfer on a new base; gives what changed in it, and the values of the model. */
  async function run(options: Partial<TransferOptions> & Pick<TransferOptions, "phases">) {
    const base = makeBase();
    const before = valuesOf(base);
    const { model, phases } = await transfer({ base, ...usual, ...options });
    const values = valuesOf(model);
    const moved = changed(before, valuesOf(base));
    model.dispose();
    base.dispose();
    return { moved, values, phases };
  }

  test("features that are kept train the head as the running base does, to the bit", async () => {
    const phases = [frozenPhase, { ...frozenPhase, epochs: 1 }];
    const kept = await run({ phases, validation: data });
    const ran = await run({ phases, validation: data, cacheBytes: 0 });
    expect(kept.phases.map(({ featureBytes }) => featureBytes)).toEqual([1680, 1680]); // 2 x 30 x 7 x 4
    expect(ran.phases.map(({ featureBytes }) => featureBytes)).toEqual([0, 0]);
    expect(kept.values).toEqual(ran.values);
    expect(kept.phases.map(({ epochs }) => epochs)).toEqual(ran.phases.map(({ epochs }) => epochs));
    expect(kept.moved).toEqual([]);
    expect(ran.moved).toEqual([]);
  });

  test("a cap of just the bytes keeps them, one less does not; an augmentation runs the base", async () => {
    const at = async (options: Partial<TransferOptions>) =>
      (await run({ phases: [frozenPhase], ...options })).phases[0].featureBytes;
    expect(await at({ cacheBytes: 840 })).toBe(840);
    expect(await at({ cacheBytes: 839 })).toBe(0);
    expect(await at({ augment: () => {} })).toBe(0);
  });

  test.each<[string, NonNullable<TransferPhase["unfreeze"]>, string[]]>([
    ["the last layer with weights, no normalization", 1, ofInner],
    ["all of them", 2, ["first/kernel", "first/bias", ...ofInner]],
    ["a pattern, no normalization", /^inner/, ofInner],
    ["a name", "first", ["first/kernel", "first/bias"]],
    [
      "a normalization by its name",
      ["innerNorm", "inner"],
      [...ofInner, ...["gamma", "beta", "moving_mean", "moving_variance"].map((role) => `innerNorm/${role}`)],
    ],
  ])("a phase trains what it unfreezes: %s", async (_, unfreeze, wanted) => {
    const { moved, phases } = await run({ phases: [frozenPhase, { ...frozenPhase, unfreeze }] });
    expect(moved.sort()).toEqual([...wanted].sort());
    expect(phases.map(({ featureBytes }) => featureBytes)).toEqual([840, 0]);
  });

  test("a phase after an unfrozen one takes the features of the base as it is then", async () => {
    const phases = [frozenPhase, { ...frozenPhase, unfreeze: 1 }, frozenPhase];
    const kept = await run({ phases });
    const ran = await run({ phases, cacheBytes: 0 });
    expect(kept.phases.map(({ featureBytes }) => featureBytes)).toEqual([840, 0, 840]);
    expect(kept.values).toEqual(ran.values);
  });

  test("the base learns at its share of the rate, as a smaller rate would have it", async () => {
    const step = async (baseRate: number, learningRate: number) => {
      const { values } = await run({
        batchSize: COUNT,
        phases: [{ epochs: 1, learningRate, baseRate, unfreeze: "inner" }],
      });
      return values;
    };
    const start = valuesOf(makeBase())["inner/kernel"];
    const shared = await step(0.25, 0.01);
    const smaller = await step(1, 0.0025);
    expectClose(shared["inner/kernel"], smaller["inner/kernel"], 1e-6);
    expect(changed({ a: start }, { a: shared["inner/kernel"] })).toEqual(["a"]);
    expect(shared["head_classes/kernel"]).toEqual((await step(1, 0.01))["head_classes/kernel"]);
  });

  test("is what fineTune does with the head on the base and the rest frozen", async () => {
    const { values } = await run({ phases: [{ ...frozenPhase, unfreeze: "inner" }], head: {} });
    const base = makeBase();
    const [input] = base.inputs;
    const features = base.getLayer("old").input as tf.SymbolicTensor;
    const own = layers.dense({ units: 3, activation: "softmax", name: "classes" });
    const model = tf.model({ inputs: input, outputs: own.apply(features) as tf.SymbolicTensor });
    own.setWeights(headFor(tf.model({ inputs: input, outputs: features }), 3).getWeights());
    const block = base.getLayer("block") as tf.LayersModel;
    await fineTune(model, data, {
      ...frozenPhase,
      batchSize: 8,
      seed: 4,
      loss: "sparseCategoricalCrossentropy",
      variables: ({ layer }) => layer === "inner" || layer === "classes",
      parts: [frozenPart([...model.layers.slice(0, 4), block.layers[1]])],
    });
    expect(valuesOf(model)["inner/kernel"]).toEqual(values["inner/kernel"]);
    expect(valuesOf(model)["classes/kernel"]).toEqual(values["head_classes/kernel"]);
  });

  test("a head of one's own is trained and stays", async () => {
    const base = makeBase();
    const head = tf.sequential({
      name: "own",
      layers: [layers.dense({ units: 3, inputShape: [4], activation: "softmax", name: "mine" })],
    });
    const before = valuesOf(head);
    const { model } = await transfer({ base, head, data, phases: [frozenPhase] });
    expect(changed(before, valuesOf(head))).toEqual(["mine/kernel", "mine/bias"]);
    expect(valuesOf(model)["mine/kernel"]).toEqual(valuesOf(head)["mine/kernel"]);
    model.dispose();
    const free = tf.memory().numTensors;
    head.dispose();
    expect(tf.memory().numTensors).toBe(free - 2);
    base.dispose();
  });

  test("tells the phase, and keeps nothing: done, refused or aborted", async () => {
    const base = makeBase();
    const tensors = tf.memory().numTensors;
    const told: TransferProgress[] = [];
    const phases = [frozenPhase, { ...frozenPhase, unfreeze: 1, baseRate: 0.5 }];
    const all = { base, ...usual, phases };
    const { model } = await transfer({ ...all, onProgress: (progress) => told.push(progress) });
    expect(new Set(told.map(({ phase, steps }) => `${phase} of ${steps}`))).toEqual(
      new Set(["1 of 8", "2 of 8"]),
    );
    expect(tf.memory().numTensors).toBe(tensors + 4); // the head's
    model.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
    for (const phase of [1, 2]) {
      const abort = new AbortController();
      const onProgress = (progress: TransferProgress) => progress.phase === phase && abort.abort("enough");
      await expect(transfer({ ...all, onProgress, signal: abort.signal })).rejects.toBe("enough");
      expect(tf.memory().numTensors).toBe(tensors);
    }
    await expect(transfer({ ...all, data: { x, y: y.subarray(1) } })).rejects.toThrow(RangeError);
    await expect(
      transfer({ ...all, phases: [frozenPhase, { epochs: 1, unfreeze: "no" }] }),
    ).rejects.toThrow();
    expect(tf.memory().numTensors).toBe(tensors);
    expect(base.predict(tf.zeros([1, 6]))).toBeDefined();
    base.dispose();
  });

  test("goes on from the checkpoints of its phases to the same bits", async () => {
    const stores = new Map<number, Uint8Array>();
    const checkpoint = (phase: number) => {
      const store: CheckpointStore = {
        load: async () => stores.get(phase),
        save: async (bytes) => void stores.set(phase, bytes.slice()),
      };
      return { store, everySeconds: 0 };
    };
    const phases = [frozenPhase, { ...frozenPhase, unfreeze: 1 }];
    const whole = await run({ phases });
    const abort = new AbortController();
    const onProgress = ({ phase }: TransferProgress) => phase === 2 && abort.abort("killed");
    await expect(run({ phases, checkpoint, onProgress, signal: abort.signal })).rejects.toBe("killed");
    const resumed = await run({ phases, checkpoint });
    expect(resumed.values).toEqual(whole.values);
  });

  const refused: [string, Partial<TransferOptions>, RegExp][] = [
    ["an unknown layer", { layer: "lost" }, /layer: wanted one of .*first, norm, .*block, inner, .*got lost/],
    [
      "an unknown name",
      { phases: [{ epochs: 1, unfreeze: "lost" }] },
      /lost; the base has first, norm, inner/,
    ],
    ["a pattern of none", { phases: [{ epochs: 1, unfreeze: /Norm/ }] }, /no layer is meant by \/Norm\//],
    ["too many layers", { phases: [{ epochs: 1, unfreeze: 3 }] }, /a number of layers in \[1, 2\].*got 3/],
    ["no weights", { phases: [{ epochs: 1, unfreeze: "drop" }] }, /wanted a layer with weights, got drop/],
    ["no phases", { phases: [] }, /phases: wanted at least one, got none/],
    ["epochs", { phases: [frozenPhase, { epochs: 0 }] }, /epochs: wanted an integer >= 1, got 0/],
    ["a rate", { phases: [{ epochs: 1, baseRate: 2 }] }, /baseRate: wanted a share in \(0, 1\], got 2/],
    ["a typo", { layers: "first" } as never, /transfer: wanted one of the options base, .*got layers/],
    [
      "a typo in a phase",
      { phases: [{ epochs: 1, rate: 1 } as never] },
      /phases: wanted one of the options epochs, /,
    ],
    ["a cap", { cacheBytes: -1 }, /cacheBytes: wanted a number >= 0, got -1/],
    ["classes", { classes: 1 }, /classes: wanted an integer >= 2, got 1/],
  ];
  test.each(refused)("refuses, before training: %s", async (_, options, message) => {
    const base = makeBase();
    const before = valuesOf(base);
    const told: unknown[] = [];
    const onProgress = (progress: unknown) => told.push(progress);
    const all = { base, ...usual, phases: [frozenPhase], onProgress, ...options };
    const tensors = tf.memory().numTensors;
    await expect(transfer(all)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(told).toEqual([]);
    expect(changed(before, valuesOf(base))).toEqual([]);
    base.dispose();
  });

  test("refuses a head and classes, neither, and layers that are set not to learn", async () => {
    const base = makeBase();
    const head = headFor(base, 3);
    const phases = [{ epochs: 1, unfreeze: "first" }];
    const message = /head: wanted a model or classes/;
    await expect(transfer({ base, head, classes: 3, data, phases })).rejects.toThrow(message);
    await expect(transfer({ base, data, phases })).rejects.toThrow(message);
    base.getLayer("first").trainable = false;
    await expect(transfer({ base, head, data, phases })).rejects.toThrow(/got first, which is set not to be/);
    for (const model of [base, head]) model.dispose();
  });
});

/** A run that is broken off and started again ends with the bits of an unbroken one. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type CheckpointStore,
  cosineRate,
  type FineTuneOptions,
  fineTune,
  type LossTerm,
} from "../../src/tfjs.js";
import { backends, noise, seededDense, useBackend, type Values, valuesOf } from "./support.js";

const COUNT = 40;
const x = noise(COUNT * 8, 5);
const labels = Int32Array.from({ length: COUNT }, (_, i) => (x[i * 8] > 0 ? 1 : x[i * 8 + 1] > 0 ? 2 : 0));
const data = { x, y: labels };
const held = { x: noise(24 * 8, 6), y: labels.subarray(0, 24) };

/** With what has state beside its weights: dropout and, unless told otherwise, moving means. */
function classifier(normalized = true): tf.Sequential {
  return tf.sequential({
    layers: [
      seededDense("a", 16, "relu", 1, { inputShape: [8] }),
      ...(normalized ? [tf.layers.batchNormalization({ name: "norm" })] : []),
      tf.layers.dropout({ rate: 0.25, name: "drop" }),
      seededDense("b", 12, "relu", 2),
      seededDense("c", 3, "softmax", 3),
    ],
  });
}

/** Bits, not numbers: 0 is not -0. */
function bitsOf(values: Values): string[] {
  return Object.values(values).map((array) => Buffer.from(array.buffer).toString("hex"));
}

function memoryStore(): CheckpointStore & { bytes: Uint8Array | undefined; saves: number } {
  return {
    bytes: undefined,
    saves: 0,
    async load() {
      return this.bytes;
    },
    async save(bytes) {
      this.bytes = bytes;
      this.saves += 1;
    },
  };
}

/** Dies right after its n-th save, as a kill would have it: nothing is told. */
function mortalStore(store: ReturnType<typeof memoryStore>, saves: number): CheckpointStore {
  return {
    load: () => store.load(),
    save: async (bytes) => {
      await store.save(bytes);
      if (store.saves >= saves) throw new Error("killed");
    },
  };
}

const basics = { epochs: 4, batchSize: 8, loss: "sparseCategoricalCrossentropy", seed: 3 } as const;

/** A term with a variable of its own, which Adam moves too. */
function projected(): LossTerm {
  let projector: tf.Variable;
  return {
    name: "projected",
    layers: ["b"],
    open: () => {
      projector = tf.tidy(() => tf.variable(tf.tensor2d(noise(12 * 2, 9), [12, 2])));
    },
    variables: () => [projector],
    of: ({ activation }) =>
      tf.mean(
        tf.square(tf.sub(tf.matMul(activation("b") as tf.Tensor2D, projector as tf.Variable<tf.Rank.R2>), 1)),
      ),
    dispose: () => projector?.dispose(),
  };
}

type Setting = Partial<Omit<FineTuneOptions, "optimizer" | "terms">> & {
  readonly optimizer?: () => tf.Optimizer;
  readonly terms?: () => LossTerm[];
};

const settings: Readonly<Record<string, Setting>> = {
  "Adam, dropout, batch norm": {},
  "pruning, 1x4, Adam": { prune: { sparsity: 0.5, pattern: "1x4", begin: 3, end: 14, frequency: 2 } },
  "pruning with one threshold, momentum": {
    optimizer: () => tf.train.momentum(0.05, 0.9, true),
    prune: { sparsity: 0.6, scope: "global", end: 16, frequency: 3 },
  },
  "early stopping, a rate that falls": {
    learningRate: cosineRate({ from: 0.1, to: 0.001, warmup: 0.2 }),
    validation: held,
    earlyStopping: { patience: 1 },
    epochs: 6,
  },
  "a term with variables, augmentation": {
    terms: () => [projected()],
    augment: (xs, _, __, random) => {
      for (let i = 0; i < xs.length; i++) xs[i] += random.normal(0, 0.1);
    },
  },
  "clusters of what pruning left": {
    prune: { sparsity: 0.5, end: 8 },
    cluster: { clusters: 3, start: "kmeans++" },
  },
  "quantization, ranges observed": { quantize: { ranges: "observed" }, prune: { sparsity: 0.5 } },
  "quantization, ranges learned, the best epoch": {
    quantize: { ranges: "learned" },
    epochs: 8,
    validation: held,
    earlyStopping: { patience: 2 },
  },
  SGD: { optimizer: () => tf.train.sgd(0.1) },
  RMSProp: { optimizer: () => tf.train.rmsprop(0.01, 0.9, 0.5) },
  Adagrad: { optimizer: () => tf.train.adagrad(0.1) },
  Adadelta: { optimizer: () => tf.train.adadelta(1) },
  Adamax: { optimizer: () => tf.train.adamax(0.01, undefined, undefined, undefined, 0.01) },
};

async function run(setting: Setting, more: Partial<FineTuneOptions> = {}) {
  const model = classifier(setting.quantize === undefined);
  const { optimizer: makeOptimizer, terms: makeTerms, ...plain } = setting;
  const optimizer = makeOptimizer?.();
  try {
    const result = await fineTune(model, data, {
      ...basics,
      ...plain,
      ...(optimizer && { optimizer }),
      ...(makeTerms && { terms: makeTerms() }),
      ...more,
    });
    return { result, bits: bitsOf(valuesOf(model)) };
  } finally {
    optimizer?.dispose();
    (optimizer as { c?: tf.Tensor } | undefined)?.c?.dispose(); // momentum forgets it
    model.dispose();
  }
}

describe.each(backends)("resume on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(Object.keys(settings))("%s: killed after every 4th checkpoint, the same bits", async (name) => {
    const setting = settings[name];
    const whole = await run(setting);
    expect(whole.result.epochs.at(-1)?.loss).toBeLessThan(whole.result.epochs[0].loss);
    const store = memoryStore();
    const before = tf.memory().numTensors;
    for (let deaths = 0; ; deaths++) {
      // Every step has a checkpoint, the end of an epoch a second one; 4 meets every place in 5 steps.
      const checkpoint = { store: mortalStore(store, 4), everySeconds: 0 };
      store.saves = 0;
      const attempt = await run(setting, { checkpoint }).catch((error) => error as Error);
      if (!(attempt instanceof Error)) {
        expect(deaths).toBeGreaterThanOrEqual(whole.result.epochs.length);
        expect(attempt.bits).toEqual(whole.bits);
        const { seconds: _, ...figures } = attempt.result;
        expect(whole.result).toMatchObject(figures);
        break;
      }
      expect(attempt.message).toBe("killed");
      expect(tf.memory().numTensors).toBe(before);
    }
    if (name.startsWith("early")) {
      expect(whole.result.epochs.length).toBeLessThan(setting.epochs as number);
      expect(whole.result.bestEpoch).toBeLessThan(whole.result.epochs.length);
    }
  });

  test("a signal writes a checkpoint first, after any step", async () => {
    const setting: Setting = { prune: { sparsity: 0.5 } };
    let controller = new AbortController();
    let stops: number[] = [];
    const after = (step: number) => {
      if (stops.includes(step)) controller.abort(new Error(`enough at ${step}`));
    };
    const options = { parts: [{ name: "stop", after }] };
    const whole = await run(setting, options);
    const store = memoryStore();
    stops = [1, 4, 5, 12, 19];
    for (const stop of stops) {
      controller = new AbortController();
      const checkpoint = { store, everySeconds: 1000 };
      const attempt = run(setting, { ...options, checkpoint, signal: controller.signal });
      await expect(attempt).rejects.toThrow(`enough at ${stop}`);
    }
    expect(store.saves).toBe(stops.length + 2); // two epochs ended in peace
    expect((await run(setting, { ...options, checkpoint: { store } })).bits).toEqual(whole.bits);
  });

  test("a run that is finished is loaded, not trained once more", async () => {
    const store = memoryStore();
    const setting = settings["pruning, 1x4, Adam"];
    const first = await run(setting, { checkpoint: { store } });
    const { saves } = store;
    expect(saves).toBe(4);
    const told: number[] = [];
    const again = await run(setting, { checkpoint: { store }, onProgress: ({ step }) => told.push(step) });
    expect(again.bits).toEqual(first.bits);
    expect({ ...again.result, seconds: 0 }).toEqual({ ...first.result, seconds: 0 });
    expect(told).toEqual([]);
    expect(store.saves).toBe(saves);
  });
});

describe("a checkpoint of another run", () => {
  beforeAll(() => useBackend("cpu"));
  const more = (options: Partial<FineTuneOptions>): Partial<FineTuneOptions> => options;

  test.each<[Partial<FineTuneOptions>, string]>([
    [{ epochs: 5 }, "it differs in epochs (there 4, here 5)"],
    [{ batchSize: 4, seed: 4 }, "batchSize (there 8, here 4), seed (there 3, here 4)"],
    [{ learningRate: 0.1 }, "learningRate (there 0.001, here 0.1)"],
    [{ prune: { sparsity: 0.5 } }, 'prune (there none, here {"sparsity":0.5})'],
    [{ variables: ({ role }) => role === "kernel" }, "learned (there [0,1,2,3,"],
    [{ augment: () => {} }, "augment (there false, here true)"],
    [{ validation: held }, "validation (there none, here 192)"],
  ])("is refused: %o", async (options, message) => {
    const store = memoryStore();
    await run({}, { checkpoint: { store } });
    const before = tf.memory().numTensors;
    const attempt = run({}, more({ ...options, checkpoint: { store } }));
    await expect(attempt).rejects.toThrow(RangeError);
    await expect(run({}, { ...options, checkpoint: { store } })).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("is refused: other names of layers, by which ranges go", async () => {
    // Of layers without weights too.
    const named = (name: string) =>
      tf.sequential({
        layers: [
          tf.layers.dense({ units: 4, inputShape: [8], name: "a" }),
          tf.layers.reLU({ name }),
          tf.layers.dense({ units: 3, activation: "softmax", name: "c" }),
        ],
      });
    const options = { ...basics, quantize: true as const, checkpoint: { store: memoryStore() } };
    await fineTune(named("b"), data, options);
    await expect(fineTune(named("d"), data, options)).rejects.toThrow(
      'differs in layers (there ["a","b","c"]',
    );
  });

  test("is refused: another model, other data", async () => {
    const store = memoryStore();
    await run({}, { checkpoint: { store } });
    const other = tf.sequential({
      layers: [tf.layers.dense({ units: 3, inputShape: [8], activation: "softmax", name: "d" })],
    });
    const options = { ...basics, checkpoint: { store } };
    await expect(fineTune(other, data, options)).rejects.toThrow('here ["d/kernel 8x3","d/bias 3"])');
    const fewer = { x: x.subarray(0, 32 * 8), y: labels.subarray(0, 32) };
    await expect(fineTune(classifier(), fewer, options)).rejects.toThrow(
      "samples (there [40,8], here [32,8])",
    );
  });

  test("what no checkpoint can keep is refused", async () => {
    const store = memoryStore();
    const noisy = tf.sequential({
      layers: [
        tf.layers.gaussianNoise({ stddev: 0.1, inputShape: [8], name: "hiss" }),
        tf.layers.dense({ units: 3, activation: "softmax" }),
      ],
    });
    const options = { ...basics, checkpoint: { store } };
    await expect(fineTune(noisy, data, options)).rejects.toThrow(
      "checkpoint: wanted layers that can be seeded, got hiss",
    );
    class Own extends tf.SGDOptimizer {
      static override get className() {
        return "Own";
      }
    }
    const optimizer = new Own(0.1);
    await expect(fineTune(classifier(), data, { ...options, optimizer })).rejects.toThrow(
      "checkpoint: wanted an optimizer of SGD, Momentum, RMSProp, Adagrad, Adadelta, Adam, Adamax, got Own",
    );
    optimizer.dispose();
    await expect(
      fineTune(classifier(), data, { ...basics, checkpoint: { store, everySeconds: -1 } }),
    ).rejects.toThrow("everySeconds: wanted a number >= 0, got -1");
    await expect(
      fineTune(classifier(), data, { ...basics, checkpoint: { store: {} as CheckpointStore } }),
    ).rejects.toThrow(TypeError);
  });
});

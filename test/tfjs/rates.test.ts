/** Learning rates: the formulas, and that every optimizer of tf.train follows them. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  constantRate,
  cosineRate,
  exponentialRate,
  fineTune,
  type RateSchedule,
  stepRate,
} from "../../src/tfjs.js";
import { useBackend, valuesOf } from "./support.js";

describe("schedules", () => {
  const at = (schedule: RateSchedule) => [0, 0.25, 0.5, 0.75, 1].map((progress) => schedule(progress));
  const expectRates = (schedule: RateSchedule, wanted: number[]) => {
    for (const [i, rate] of at(schedule).entries()) expect(rate).toBeCloseTo(wanted[i], 12);
  };

  test("constant, cosine, steps, exponential", () => {
    const eighth = 0.5 + Math.SQRT1_2 / 2;
    expectRates(constantRate(0.3), [0.3, 0.3, 0.3, 0.3, 0.3]);
    expectRates(cosineRate({ from: 1 }), [1, eighth, 0.5, 1 - eighth, 0]);
    expectRates(cosineRate({ from: 0.5, to: 0.1 }), [0.5, 0.1 + 0.4 * eighth, 0.3, 0.5 - 0.4 * eighth, 0.1]);
    expectRates(cosineRate({ from: 1, warmup: 0.5 }), [0, 0.5, 1, 0.5, 0]);
    expectRates(stepRate({ from: 8, factor: 0.5, at: [0.75, 0.5] }), [8, 8, 4, 2, 2]);
    expectRates(stepRate({ from: 1, at: [0.6] }), [1, 1, 1, 0.1, 0.1]);
    expectRates(exponentialRate({ from: 16, to: 1 }), [16, 8, 4, 2, 1]);
  });

  test.each<[() => RateSchedule, string]>([
    [() => constantRate(0), "rate: wanted a finite number > 0, got 0"],
    [() => cosineRate({ from: Number.NaN }), "from: wanted a finite number > 0, got NaN"],
    [() => cosineRate({ from: 1, to: -1 }), "to: wanted a finite number > 0, got -1"],
    [() => cosineRate({ from: 1, warmup: 1 }), "warmup: wanted a part in [0, 1), got 1"],
    [() => stepRate({ from: 1, factor: 0, at: [] }), "factor: wanted a finite number > 0, got 0"],
    [() => stepRate({ from: 1, at: [2] }), "at: wanted progress in [0, 1], got 2"],
    [() => exponentialRate({ from: 1, to: 0 }), "to: wanted a finite number > 0, got 0"],
  ])("refuse %s", (make, message) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(message);
  });
});

const optimizers: Readonly<Record<string, () => tf.Optimizer>> = {
  SGD: () => tf.train.sgd(7),
  momentum: () => tf.train.momentum(7, 0.5),
  RMSProp: () => tf.train.rmsprop(7),
  Adagrad: () => tf.train.adagrad(7),
  Adadelta: () => tf.train.adadelta(7),
  Adam: () => tf.train.adam(7),
  Adamax: () => tf.train.adamax(7),
};

describe("an optimizer follows them", () => {
  beforeAll(() => useBackend("cpu"));
  const x = Float32Array.of(1, 2, 3, 4);
  const y = Float32Array.of(1, 3, 2, 5);
  const line = () =>
    tf.sequential({
      layers: [tf.layers.dense({ units: 1, inputShape: [1], kernelInitializer: "ones", name: "k" })],
    });

  test.each(Object.keys(optimizers))("%s", async (name) => {
    // Four steps at rates 4, 2, 1, 0.5 by us, and the same ones taken with tfjs alone.
    const ours = line();
    const theirs = line();
    const optimizer = optimizers[name]();
    const reference = optimizers[name]();
    const rates = exponentialRate({ from: 0.4, to: 0.025 });
    await fineTune(
      ours,
      { x, y },
      { epochs: 4, batchSize: 4, loss: "meanSquaredError", optimizer, learningRate: rates },
    );
    const own = reference as unknown as {
      learningRate: number;
      c?: tf.Tensor;
      setLearningRate?(rate: number): void;
    };
    tf.tidy(() => {
      const xs = tf.tensor2d(x, [4, 1]);
      const ys = tf.tensor2d(y, [4, 1]);
      for (let step = 0; step < 4; step++) {
        const rate = 0.4 * 0.5 ** step;
        if (own.c) own.c = tf.keep(tf.scalar(-rate));
        own.learningRate = rate;
        reference.minimize(
          () => tf.mean(tf.squaredDifference(ys, theirs.apply(xs) as tf.Tensor)) as tf.Scalar,
        );
      }
    });
    const got = Object.values(valuesOf(ours));
    for (const [i, [value]] of Object.values(valuesOf(theirs)).entries())
      expect(got[i][0]).toBeCloseTo(value, 5);
    expect((optimizer as unknown as { learningRate: number }).learningRate).toBe(7);
    for (const used of [optimizer, reference]) used.dispose();
  });

  test("a rate is given to an optimizer, and taken back", async () => {
    const optimizer = tf.train.sgd(7);
    const run = async (learningRate?: number) => {
      const model = line();
      const options = { epochs: 1, batchSize: 4, loss: "meanSquaredError", optimizer } as const;
      await fineTune(model, { x, y }, { ...options, ...(learningRate && { learningRate }) });
      return Object.values(valuesOf(model))[0][0];
    };
    // d/dk of mean((k x - y)^2) at k = 1: 2 mean(x (x - y)) = 2 (0 - 2 + 3 - 4) / 4
    expect(await run(0.5)).toBeCloseTo(1 + 0.5 * 1.5, 5);
    expect(await run()).toBeCloseTo(1 + 7 * 1.5, 4);
    optimizer.dispose();
  });

  test("one without a rate is refused", async () => {
    class Still extends tf.Optimizer {
      static className = "Still";
      applyGradients(): void {}
      getConfig() {
        return {};
      }
    }
    const options = { epochs: 1, loss: "meanSquaredError", learningRate: 1 } as const;
    await expect(fineTune(line(), { x, y }, { ...options, optimizer: new Still() })).rejects.toThrow(
      "optimizer: wanted one with a learning rate, got Still",
    );
  });
});

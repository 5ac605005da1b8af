/** Validation at the end of each epoch, and runs that end where it gains no more. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  accuracyOf,
  type FineTuneOptions,
  fineTune,
  type Progress,
  predictAll,
  type RateSchedule,
} from "../../src/tfjs.js";
import { expectClose } from "../graph/helpers.js";
import { countZeros, noise, seededDense, useBackend, valuesOf } from "./support.js";

const x = noise(40 * 8, 5);
const labels = Int32Array.from({ length: 40 }, (_, i) => (x[i * 8] > 0 ? 1 : x[i * 8 + 1] > 0 ? 2 : 0));
const data = { x, y: labels };
const held = { x: noise(300 * 8, 6), y: Int32Array.from({ length: 300 }, (_, i) => i % 3) }; // nothing to be learned of it

function classifier(): tf.Sequential {
  return tf.sequential({
    layers: [
      seededDense("a", 16, "relu", 1, { inputShape: [8] }),
      tf.layers.dropout({ rate: 0.5 }),
      seededDense("b", 3, "softmax", 2),
    ],
  });
}

const basics = { batchSize: 8, loss: "sparseCategoricalCrossentropy", learningRate: 0.02 } as const;

describe("validation", () => {
  beforeAll(() => useBackend("cpu"));

  test("is the loss and accuracy of what the model says, dropout off", async () => {
    const model = classifier();
    const told: Progress[] = [];
    const { epochs } = await fineTune(model, data, {
      ...basics,
      epochs: 2,
      validation: held,
      onProgress: (progress) => told.push(progress),
    });
    const { data: output } = predictAll(model, held.x);
    const losses = Array.from(held.y, (label, i) => -Math.log(output[i * 3 + label]));
    const mean = losses.reduce((sum, value) => sum + value, 0) / losses.length;
    const { validation } = epochs[1];
    expectClose([validation?.loss as number], [mean], 1e-5);
    expect(validation?.accuracy).toBe(accuracyOf(model, held.x, held.y));
    expect(told.at(-1)?.validation).toEqual(validation);
    expect(epochs[0].validation).not.toEqual(validation);
  });

  test("changes nothing of the training, and passes over samples without a label", async () => {
    const run = async (options: Partial<FineTuneOptions>) => {
      const model = classifier();
      const result = await fineTune(model, data, { ...basics, epochs: 2, ...options });
      return { result, values: valuesOf(model) };
    };
    const plain = await run({});
    const before = tf.memory().numTensors;
    const half = Int32Array.from(held.y, (label, i) => (i < 150 ? label : -1));
    const measured = await run({ validation: { x: held.x, y: half } });
    expect(Object.values(measured.values)).toEqual(Object.values(plain.values));
    const fewer = await run({ validation: { x: held.x.subarray(0, 150 * 8), y: held.y.subarray(0, 150) } });
    const [some, all] = [measured, fewer].map(({ result }) => result.epochs[1].validation);
    expectClose([some?.loss as number], [all?.loss as number], 1e-6);
    expect(some?.accuracy).toBe(all?.accuracy);
    expect(tf.memory().numTensors).toBe(before + 2 * 4); // two models of four weights
    await expect(run({ validation: { x: held.x, y: half.map(() => -1) } })).rejects.toThrow(
      "validation: wanted samples with labels, got none",
    );
  });
});

describe("early stopping", () => {
  beforeAll(() => useBackend("cpu"));

  test("ends after so many epochs without a gain, with the weights of the best", async () => {
    const run = async (epochs: number, earlyStopping?: FineTuneOptions["earlyStopping"]) => {
      const model = classifier();
      const options = { ...basics, epochs, validation: held, ...(earlyStopping && { earlyStopping }) };
      const result = await fineTune(model, data, options);
      return { result, values: Object.values(valuesOf(model)) };
    };
    const long = await run(20);
    const losses = long.result.epochs.map(({ validation }) => validation?.loss as number);
    expect(long.result).not.toHaveProperty("bestEpoch");
    for (const minimumGain of [0, 0.05]) {
      const { wanted, end } = byHand(losses, 3, minimumGain);
      const stopped = await run(20, { patience: 3, minimumGain });
      expect(stopped.result.epochs).toHaveLength(end);
      expect(end).toBeLessThan(20);
      expect(stopped.result.steps).toBe(end * 5);
      expect(stopped.result.bestEpoch).toBe(wanted);
      expect(stopped.values).toEqual((await run(wanted)).values);
    }
    const last = await run(20, { patience: 3, restoreBest: false });
    expect(last.values).toEqual((await run(last.result.epochs.length)).values);
  });

  /** Best epoch and epochs done, both counted from 1. */
  function byHand(losses: number[], patience: number, gain: number) {
    let wanted = 0;
    for (const [i, loss] of losses.entries()) {
      if (i === 0 || loss < losses[wanted] - gain) wanted = i;
      if (i - wanted >= patience) return { wanted: wanted + 1, end: i + 1 };
    }
    return { wanted: wanted + 1, end: losses.length };
  }

  test("gives the best weights back where training diverges", async () => {
    const run = async (epochs: number, learningRate: RateSchedule) => {
      const model = classifier();
      const options = { ...basics, validation: held, earlyStopping: { patience: 20 }, learningRate };
      const failed = await fineTune(model, data, { ...options, epochs }).then(
        () => "",
        (error: Error) => error.message,
      );
      return { failed, values: Object.values(valuesOf(model)) };
    };
    const calm = await run(2, () => 0.01);
    const wild = await run(8, (progress) => (progress < 0.25 ? 0.01 : 3e38));
    expect(calm.failed).toBe("");
    expect(wild.failed).toMatch(
      /diverged: a\/kernel: wanted finite numbers, got .* at \d+; a lower learningRate may help/,
    );
    expect(wild.values).toEqual(calm.values);
  });

  test("counts no epoch before all zeros are there", async () => {
    const model = classifier();
    const { bestEpoch, sparsity, sparsities } = await fineTune(model, data, {
      ...basics,
      epochs: 12,
      validation: held,
      earlyStopping: { patience: 1 },
      prune: { sparsity: 0.75, end: 25 }, // in the 6th epoch
    });
    expect(bestEpoch).toBeGreaterThanOrEqual(6);
    expect(sparsity).toBe(0.75);
    for (const [name, share] of Object.entries(sparsities)) {
      const values = valuesOf(model)[name];
      expect(countZeros(values) / values.length).toBe(share);
    }
  });
});

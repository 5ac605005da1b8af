/** DeViSE: its steps against plain loops, seeds, signals, nothing left behind. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../../src/data/index.js";
import { type DeviseOptions, type DeviseProgress, devise } from "../../../src/tfjs.js";
import { backends, useBackend } from "../support.js";
import {
  corners,
  grid,
  type Lists,
  multiply,
  plant,
  relativeError,
  rowsOf,
  seenCorners,
  transpose,
  unevenLabels,
  unseenCorners,
  weightsOf,
} from "./support.js";

const labels = unevenLabels(seenCorners);
const map = grid(4, 6, 5);
// With noise: a derivative that is 0 but for rounding would be made a whole step by Adam.
const random = createRandom(2);
const x = plant(labels, corners, map).map((row) => row.map((v) => Math.fround(v + random.normal(0, 0.2))));
const basics: DeviseOptions = {
  features: rowsOf(x),
  labels,
  attributes: rowsOf(corners),
  epochs: 20,
  batchSize: 4,
  learningRate: 0.01,
};

describe.each(backends)("devise on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test("says so where it diverges", async () => {
    const wild = devise({ ...basics, epochs: 3, learningRate: 1e38 });
    await expect(wild).rejects.toThrow("weights: wanted finite numbers");
  });

  test("takes the steps of Adam on the hinge loss", async () => {
    const told: DeviseProgress[] = [];
    const options = { epochs: 12, batchSize: labels.length, margin: 0.5, onProgress: told.push.bind(told) };
    const model = await devise({ ...basics, ...options });
    const plain = plainDevise(options.epochs, options.margin, 0.01);
    expect(relativeError(weightsOf(model), plain.weights)).toBeLessThan(1e-4);
    expect(told).toHaveLength(12);
    told.forEach(({ epoch, step, steps, loss }, i) => {
      expect([epoch, step, steps]).toEqual([i + 1, i + 1, 12]);
      expect(loss / plain.losses[i]).toBeCloseTo(1, 3); // tfjs has 1 - 0.999 in f32, 6e-5 off
    });
    expect(told[11].secondsLeft).toBe(0);
    expect(plain.losses[11]).toBeLessThan(plain.losses[0] / 2);
  });

  test("ranks unseen classes of a planted problem, the same bits for the same seed", async () => {
    const before = tf.memory().numTensors;
    const model = await devise(basics);
    const testLabels = unevenLabels(unseenCorners);
    const fresh = rowsOf(plant(testLabels, corners, map));
    expect([...model.predict(fresh, unseenCorners)]).toEqual(testLabels);
    expect([...model.predict(basics.features, seenCorners)]).toEqual(labels);
    expect((await devise({ ...basics, seed: 0 })).weights).toEqual(model.weights);
    expect((await devise({ ...basics, seed: 1 })).weights).not.toEqual(model.weights);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("ends by its signal, and leaves no tensor", async () => {
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    const run = devise({
      ...basics,
      signal: controller.signal,
      onProgress: ({ epoch }) => epoch === 2 && controller.abort(new Error("enough")),
    });
    await expect(run).rejects.toThrow("enough");
    await expect(devise({ ...basics, signal: controller.signal })).rejects.toThrow("enough");
    await expect(
      devise({
        ...basics,
        onProgress: () => {
          throw new Error("of the listener");
        },
      }),
    ).rejects.toThrow("of the listener");
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each<[Partial<DeviseOptions>, string]>([
    [{ epochs: 0 }, "epochs: wanted an integer >= 1, got 0"],
    [{ batchSize: 0 }, "batchSize: wanted an integer >= 1, got 0"],
    [{ margin: 0 }, "margin: wanted a finite number > 0, got 0"],
    [{ learningRate: -1 }, "learningRate: wanted a finite number > 0, got -1"],
    [{ similarity: "near" as "dot" }, "similarity: wanted dot, attributeCosine, featureCosine, got near"],
    [{ labels: [1] }, "labels: wanted 15 as there are samples, got 1"],
  ])("refuses %o", async (part, message) => {
    const before = tf.memory().numTensors;
    await expect(devise({ ...basics, epochs: 1, ...part })).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });
});

/** Full batches, in f64: W from 0, Adam as tfjs has it. */
function plainDevise(epochs: number, margin: number, rate: number): { weights: Lists; losses: number[] } {
  const s = seenCorners.map((label) => corners[label]);
  const zeros = () => Array.from({ length: 6 }, () => new Array<number>(4).fill(0));
  const [weights, first, second] = [zeros(), zeros(), zeros()];
  const losses: number[] = [];
  for (let step = 1; step <= epochs; step++) {
    const scores = multiply(multiply(x, weights), transpose(s));
    const gradient = zeros();
    let loss = 0;
    for (const [i, label] of labels.entries()) {
      const own = seenCorners.indexOf(label);
      for (const [k, score] of scores[i].entries()) {
        const hinge = margin - scores[i][own] + score;
        if (k === own || hinge <= 0) continue;
        loss += hinge / labels.length;
        gradient.forEach((row, f) => {
          row.forEach((_, a) => {
            row[a] += (x[i][f] * (s[k][a] - s[own][a])) / labels.length;
          });
        });
      }
    }
    losses.push(loss);
    for (const [f, row] of weights.entries()) {
      for (const a of row.keys()) {
        first[f][a] = 0.9 * first[f][a] + 0.1 * gradient[f][a];
        second[f][a] = 0.999 * second[f][a] + 0.001 * gradient[f][a] ** 2;
        const [m, v] = [first[f][a] / (1 - 0.9 ** step), second[f][a] / (1 - 0.999 ** step)];
        row[a] -= (rate * m) / (Math.sqrt(v) + 1e-7);
      }
    }
  }
  return { weights, losses };
}

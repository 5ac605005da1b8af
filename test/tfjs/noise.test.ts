/** Dropout that is drawn from the run's own numbers. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../src/data/index.js";
import { openNoise } from "../../src/tfjs/noise.js";
import { fineTune } from "../../src/tfjs.js";
import { noise, useBackend, valuesOf } from "./support.js";

const { layers } = tf;

/** Every kind of layer that draws, in every kind of wrapper; each leaves enough that the end is not all zeros. */
function drawing(): tf.LayersModel {
  const nested = tf.sequential({ layers: [layers.dropout({ rate: 0.2, inputShape: [6, 4] })] });
  return tf.sequential({
    layers: [
      layers.spatialDropout1d({ rate: 0.2, inputShape: [6, 4] }),
      nested,
      layers.timeDistributed({ layer: layers.dropout({ rate: 0.2 }) }),
      layers.bidirectional({
        layer: layers.gru({ units: 8, dropout: 0.2, recurrentDropout: 0.2, returnSequences: true }) as tf.RNN,
        mergeMode: "concat",
      }),
      layers.rnn({ cell: [layers.lstmCell({ units: 8, dropout: 0.2 })] }) as tf.layers.Layer,
    ],
  });
}

describe("dropout", () => {
  beforeAll(() => useBackend("cpu"));

  test("draws the same from the same seed, in nested models, wrappers and cells", () => {
    const model = drawing();
    const run = (seed: number) => {
      const random = createRandom(seed);
      const { unseeded, during } = openNoise(model, () => random.uint32());
      expect(unseeded).toEqual([]);
      const pass = () =>
        tf.tidy(() => {
          const output = model.apply(tf.ones([2, 6, 4]), { training: true }) as tf.Tensor;
          return [...output.dataSync()];
        });
      return [during(pass), during(pass)];
    };
    const [first, second] = run(1);
    const before = tf.memory().numTensors;
    expect(first.some((value) => value !== 0)).toBe(true);
    expect(second).not.toEqual(first);
    expect(run(1)).toEqual([first, second]);
    expect(run(2)[0]).not.toEqual(first);
    expect(tf.memory().numTensors).toBe(before);
    const config = JSON.stringify(model.toJSON());
    run(1);
    expect(JSON.stringify(model.toJSON())).toBe(config);
  });

  test("has half of the numbers, other ones for each step of a wrapper", () => {
    const model = tf.sequential({
      layers: [layers.timeDistributed({ layer: layers.dropout({ rate: 0.5 }), inputShape: [20, 50] })],
    });
    const random = createRandom(3);
    const { during } = openNoise(model, () => random.uint32());
    const values = tf.tidy(() => {
      const output = during(() => model.apply(tf.ones([1, 20, 50]), { training: true })) as tf.Tensor;
      return Array.from(output.dataSync());
    });
    expect(new Set(values)).toEqual(new Set([0, 2]));
    const kept = values.filter((value) => value === 2).length;
    expect(Math.abs(kept - 500)).toBeLessThan(64); // four deviations
    expect(values.slice(0, 50)).not.toEqual(values.slice(50, 100));
  });

  test("of a recurrent layer lets it learn, and a run be repeated", async () => {
    const run = async (seed: number) => {
      const gru = layers.gru({
        units: 3,
        dropout: 0.3,
        recurrentDropout: 0.3,
        inputShape: [6, 4],
        name: "gru",
      });
      const model = tf.sequential({ layers: [gru, layers.dense({ units: 1 })] });
      tf.tidy(() => model.setWeights(model.getWeights().map((weight) => tf.fill(weight.shape, 0.1))));
      const before = tf.memory().numTensors;
      const data = { x: noise(10 * 24), y: noise(10) };
      await fineTune(model, data, { epochs: 2, batchSize: 4, loss: "meanSquaredError", seed });
      expect(tf.memory().numTensors).toBe(before);
      return Object.values(valuesOf(model));
    };
    const first = await run(1);
    expect(first[0]).not.toEqual(new Float32Array(first[0].length).fill(0.1));
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
  });

  test("with a seed of its own stays as it is, and noise that cannot be seeded is told", () => {
    const model = tf.sequential({
      layers: [
        layers.dropout({ rate: 0.5, seed: 5, inputShape: [30] }),
        layers.gaussianDropout({ rate: 0.1, name: "gauss" }),
        layers.alphaDropout({ rate: 0.1, name: "alpha" }),
      ],
    });
    const { unseeded, during } = openNoise(model, () => {
      throw new Error("not asked");
    });
    expect(unseeded).toEqual(["gauss", "alpha"]);
    expect(during(() => (model.layers[0] as unknown as { seed: number }).seed)).toBe(5);
  });
});

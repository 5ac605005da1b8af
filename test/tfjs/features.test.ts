/** Outputs of inner layers, batch by batch. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { featuresOf, predictAll } from "../../src/tfjs.js";
import { expectClose } from "../graph/helpers.js";
import { backends, mixedModel, noise, useBackend } from "./support.js";

describe.each(backends)("featuresOf on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test("is what the layer gives in inference, whatever the batch, and leaves no tensor", () => {
    const model = mixedModel();
    const x = noise(5 * 144, 3);
    const before = tf.memory().numTensors;
    for (const layer of ["conv", "norm", "transposed", "head"]) {
      const wanted = tf.tidy(() => {
        let y: tf.Tensor = tf.tensor(x, [5, 6, 6, 4]);
        for (const one of model.layers) {
          y = one.apply(y, { training: false }) as tf.Tensor;
          if (one.name === layer) break;
        }
        return { shape: y.shape, data: y.dataSync().slice() };
      });
      for (const batchSize of [1, 2, 5, 100]) {
        const { data, count, shape } = featuresOf(model, layer, x, batchSize);
        expect([count, ...shape]).toEqual(wanted.shape);
        expectClose(data, wanted.data, 1e-5);
      }
    }
    expect(featuresOf(model, "head", x)).toEqual(predictAll(model, x));
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  test("refuses layers that are not there or are used twice, and samples that are not whole", () => {
    const shared = tf.layers.dense({ units: 2, name: "shared" });
    const input = tf.input({ shape: [2] });
    const once = shared.apply(input) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: shared.apply(once) as tf.SymbolicTensor });
    const before = tf.memory().numTensors;
    expect(() => featuresOf(model, "shared", noise(4))).toThrow("shared has 2");
    expect(() => featuresOf(model, "other", noise(4))).toThrow(RangeError);
    expect(() => featuresOf(mixedModel(), "head", noise(4))).toThrow("x: wanted whole samples of [6, 6, 4]");
    expect(() => featuresOf({} as tf.LayersModel, "head", noise(4))).toThrow(TypeError);
    expect(tf.memory().numTensors).toBeGreaterThanOrEqual(before);
  });
});

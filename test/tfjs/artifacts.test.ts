/** A live model goes to the importer as its files do. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel } from "../../src/graph/index.js";
import { modelArtifacts, pruneModel } from "../../src/tfjs.js";
import { evaluate } from "../graph/evaluate.js";
import { artifactsOf, expectClose } from "../graph/helpers.js";
import { backends, mixedModel, noise, randomize, useBackend } from "./support.js";

describe.each(backends)("modelArtifacts on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  function dense(): tf.Sequential {
    const inner = tf.sequential({
      layers: [tf.layers.dense({ units: 4, inputShape: [6], name: "b" }), tf.layers.batchNormalization()],
    });
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 6, inputShape: [5], activation: "relu", name: "a" }), inner],
    });
    randomize(model);
    return model;
  }

  test("holds what model.save writes, and imports to the same numbers", async () => {
    const model = dense();
    model.compile({ optimizer: "adam", loss: "meanSquaredError" });
    const before = tf.memory().numTensors;
    const artifacts = await modelArtifacts(model);
    expect(tf.memory().numTensors).toBe(before);
    expect(artifacts).toEqual({ ...(await artifactsOf(model)), format: "layers-model" });
    const x = noise(3 * 5, 7);
    const graph = importModel(artifacts);
    const wanted = (model.predict(tf.tensor2d(x, [3, 5])) as tf.Tensor).dataSync();
    expectClose(evaluate(graph, { [graph.inputs[0].name]: x })[graph.outputs[0].name], wanted, 1e-5);
  });

  test("holds the weights as they are now", async () => {
    const model = dense();
    pruneModel(model, { sparsity: 0.5, include: "a" });
    const kernel = importModel(await modelArtifacts(model)).weights.get("a/kernel");
    expect([...(kernel?.data ?? [])].filter((value) => value === 0).length).toBe(15);
  });

  test("is made of any model, and of nothing else", async () => {
    const { weightSpecs, weightData } = await modelArtifacts(mixedModel());
    const bytes = weightSpecs.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
    expect(weightData.length).toBe(bytes);
    await expect(modelArtifacts({} as tf.LayersModel)).rejects.toThrow(TypeError);
  });
});

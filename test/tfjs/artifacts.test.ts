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

  /** Of layers one after the other. */
  function chain(name: string, ...layers: tf.layers.Layer[]): tf.LayersModel {
    const x = tf.input({ shape: [4] });
    const y = layers.reduce<tf.SymbolicTensor>((value, layer) => layer.apply(value) as tf.SymbolicTensor, x);
    return tf.model({ inputs: x, outputs: y, name });
  }
  const named = (name: string) => tf.layers.dense({ units: 4, name, activation: "tanh" });

  async function expectSame(model: tf.LayersModel): Promise<readonly string[]> {
    for (const [i, weight] of model.weights.entries()) {
      const values = noise(weight.read().size, weight.id).map((value) => Math.abs(value) + i / 100);
      weight.write(tf.tensor(values, weight.shape as number[]));
    }
    const artifacts = await modelArtifacts(model);
    const graph = importModel(artifacts);
    const x = noise(3 * 4, 7);
    const wanted = (model.predict(tf.tensor2d(x, [3, 4])) as tf.Tensor).dataSync();
    expectClose(evaluate(graph, { [graph.inputs[0].name]: x })[graph.outputs[0].name], wanted, 1e-5);
    expect(graph.unused).toEqual([]);
    return artifacts.weightSpecs.map(({ name }) => name).filter((name) => /kernel|gamma/.test(name));
  }

  test("has names that differ for layers of one name in several models", async () => {
    const bn = () => tf.layers.batchNormalization({ name: "bn" });
    const deep = chain("deep", named("d"), bn(), named("once"));
    const model = chain("m", chain("a", named("d"), bn()), chain("b", deep, named("d")), named("d"));
    expect(await expectSame(model)).toEqual(
      "a/d/kernel a/bn/gamma b/deep/d/kernel b/deep/bn/gamma once/kernel b/d/kernel d/kernel".split(" "),
    );
  });

  test("has a layer that lies in several models once, unless another has its name", async () => {
    const shared = named("shared");
    const alone = chain("m", chain("a", shared), shared, chain("b", shared, named("own")));
    expect(await expectSame(alone)).toEqual(["shared/kernel", "own/kernel"]);
    const inner = chain("inner", shared);
    const beside = chain("m", chain("a", inner, named("x")), chain("b", inner), named("shared"));
    expect(await expectSame(beside)).toEqual(
      "a/inner/shared/kernel b/inner/shared/kernel x/kernel shared/kernel".split(" "),
    );
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

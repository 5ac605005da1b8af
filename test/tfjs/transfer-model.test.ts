/** Models made of parts of others: the same numbers, the same weights, saved and loaded by tfjs itself. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { compress } from "../../src/compress.js";
import { cutModel, headFor, joinModels, modelArtifacts } from "../../src/tfjs.js";
import { backends, mixedModel, noise, predict, randomize, useBackend } from "./support.js";

const { layers } = tf;

/** The same, whose nested model goes with it: a Sequential counts those twice, and disposes once. */
function freedModel(): tf.LayersModel {
  const model = mixedModel();
  (model.getLayer("head") as tf.LayersModel).dispose();
  return model;
}

function outputOf(model: tf.LayersModel, x: tf.Tensor): Float32Array {
  return tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync().slice() as Float32Array);
}

/** Two branches, and one layer that both use. */
function branched(): tf.LayersModel {
  const input = tf.input({ shape: [4], name: "in" });
  const shared = layers.dense({ units: 3, name: "shared" });
  const left = layers.dense({ units: 4, activation: "relu", name: "left" }).apply(input) as tf.SymbolicTensor;
  const both = [shared.apply(input), shared.apply(left)] as tf.SymbolicTensor[];
  const outputs = layers.concatenate({ name: "joined" }).apply(both) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs, name: "branched" });
  randomize(model);
  return model;
}

describe.each(backends)("parts of models on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(["conv", "norm", "transposed", "head"])("a Sequential is cut at %s as tfjs cuts it", (name) => {
    const base = mixedModel();
    const cut = cutModel(base, name);
    const output = base.getLayer(name).getOutputAt(name === "head" ? 1 : 0) as tf.SymbolicTensor;
    expect(predict(cut)).toEqual(predict(tf.model({ inputs: base.inputs, outputs: output })));
    expect(cut.outputs[0].shape).toEqual(output.shape);
    base.dispose();
  });

  test("inside a nested model, the first or another", () => {
    const base = mixedModel();
    const cut = cutModel(base, "inner");
    const flat = cutModel(base, base.layers[4].name);
    const wanted = tf.tidy(() => {
      const x = tf.tensor(noise(2 * 144, 99), [2, 6, 6, 4]);
      const inner = (base.getLayer("head") as tf.Sequential).layers[0];
      return ((inner.apply(flat.predict(x) as tf.Tensor) as tf.Tensor).dataSync() as Float32Array).slice();
    });
    expect(predict(cut)).toEqual(wanted);
    const outer = tf.sequential({ layers: [base, layers.dense({ units: 2, name: "after" })] });
    expect(predict(cutModel(outer, "depthwise"))).toEqual(predict(cutModel(base, "depthwise")));
    expect(predict(cutModel(outer, "inner"))).toEqual(wanted);
    expect(predict(cutModel(outer, base.name))).toEqual(predict(base));
    outer.dispose();
  });

  test("a part shares its weights, and each may be disposed of in any order", () => {
    const tensors = tf.memory().numTensors;
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const base = freedModel();
      const models = [base, cutModel(base, "inner"), cutModel(base, "norm")];
      tf.tidy(() => base.getLayer("conv").setWeights([tf.ones([3, 3, 4, 8]), tf.zeros([8])]));
      const conv = tf.tidy(() => models[2].getLayer("conv").getWeights()[0].dataSync().slice());
      expect(new Set(conv)).toEqual(new Set([1]));
      for (const [i, which] of order.entries()) {
        for (const rest of order.slice(i)) expect(predict(models[rest]).every(Number.isFinite)).toBe(true);
        models[which].dispose();
      }
      expect(tf.memory().numTensors).toBe(tensors);
    }
  });

  test("a branch of a model of several, and what cannot be cut", () => {
    const base = branched();
    expect(cutModel(base, "left").layers.map(({ name }) => name)).toEqual(["in", "left"]);
    expect(() => cutModel(base, "shared")).toThrow(/wanted a layer with one output, shared has 2/);
    expect(() => cutModel(base, "lost")).toThrow(/wanted one of in, left, shared, joined, got lost/);
    expect(() => cutModel(mixedModel(), "lost")).toThrow(/conv, norm, .*head, inner, outer, got lost/);
    expect(() => cutModel(base, 3 as unknown as string)).toThrow(TypeError);
    expect(() => cutModel({} as tf.LayersModel, "left")).toThrow(TypeError);
    base.dispose();
  });

  test("a joined model gives what its parts give, and is saved and loaded by tfjs", async () => {
    const tensors = tf.memory().numTensors;
    const base = freedModel();
    const cut = cutModel(base, "inner");
    const head = headFor(cut, 5, { units: 7, dropout: 0.5, seed: 3 });
    const joined = joinModels(cut, head);
    const x = tf.tensor(noise(3 * 144, 8), [3, 6, 6, 4]);
    const features = cut.predict(x) as tf.Tensor;
    const wanted = outputOf(head, features);
    expect(outputOf(joined, x)).toEqual(wanted);
    let saved: tf.io.ModelArtifacts = {};
    await joined.save({
      save: async (artifacts) => {
        saved = structuredClone(artifacts);
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
      },
    });
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved));
    expect(outputOf(loaded, x)).toEqual(wanted);
    for (const model of [base, joined, cut, head, loaded]) model.dispose();
    tf.dispose([x, features]);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test("a joined model is one that compress reads", async () => {
    const base = mixedModel();
    const cut = cutModel(base, "norm");
    const joined = joinModels(cut, headFor(cut, 3));
    const calibration = noise(8 * 144, 8);
    const { layers: compressed, createModel } = await compress(await modelArtifacts(joined), { calibration });
    expect(compressed.map(({ name }) => name)).toEqual(["norm", "head_classes/dense"]);
    const model = createModel();
    expect(model.outputs[0].shape).toEqual([3]);
    model.dispose();
    base.dispose();
  });

  test("parts that do not fit are refused by name and sizes", () => {
    const base = mixedModel();
    const cut = cutModel(base, "inner");
    const wrong = tf.sequential({ layers: [layers.dense({ units: 2, inputShape: [11] })] });
    expect(() => joinModels(cut, wrong)).toThrow(/wanted an input of \[12\] as the base gives, got \[11\]/);
    const twice = tf.sequential({ layers: [layers.dense({ units: 2, inputShape: [12], name: "inner" })] });
    expect(() => joinModels(cut, twice)).toThrow(
      /names that the base has not, got inner\/kernel, inner\/bias/,
    );
    const empty = tf.sequential();
    expect(() => joinModels(cut, empty)).toThrow(/wanted one input, got none; is it built/);
    base.dispose();
  });

  test("a head has names of its own, and the same first weights for the same seed", () => {
    const base = mixedModel(); // has a nested model named head
    const cut = cutModel(base, "head");
    const [a, b, c] = [0, 0, 1].map((seed) => headFor(cut, 4, { units: 3, seed }));
    expect(a.name).toBe("head2");
    expect(a.layers.map(({ name }) => name)).toEqual(["head2_hidden", "head2_classes"]);
    const values = [a, b, c].map((head) => head.getWeights().map((weight) => [...weight.dataSync()]));
    expect(values[1]).toEqual(values[0]);
    expect(values[2]).not.toEqual(values[0]);
    const at = (name: string, positions?: "flatten") =>
      headFor(cutModel(base, name), 4, positions && { positions }).layers[0].getClassName();
    expect([at("norm"), at("norm", "flatten"), at("head")]).toEqual([
      "GlobalAveragePooling2D",
      "Flatten",
      "Dense",
    ]);
    base.dispose();
  });

  test.each<[object, RegExp]>([
    [{ units: 0 }, /units: wanted an integer >= 1, got 0/],
    [{ dropout: 1 }, /dropout: wanted a share in \[0, 1\), got 1/],
    [{ positions: "max" }, /positions: wanted "average" or "flatten", got max/],
  ])("a head of %o is refused", (options, message) => {
    const base = mixedModel();
    expect(() => headFor(base, 3, options)).toThrow(message);
    expect(() => headFor(base, 1)).toThrow(/classes: wanted an integer >= 2, got 1/);
    base.dispose();
  });
});

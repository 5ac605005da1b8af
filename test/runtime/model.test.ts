import { existsSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../src/data/index.js";
import { readArtifacts } from "../../src/file/index.js";
import { importModel, type ModelArtifacts, simplify } from "../../src/graph/index.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { createModel } from "../../src/runtime/index.js";
import { variantsHere } from "../kernels/variants.js";

const models = "../shared/models";
const hasModels = existsSync(models);
if (!hasModels) console.log(`skipped: real models, ${models} is absent`);

beforeAll(async () => {
  await tf.setBackend("cpu");
});
afterAll(() => tf.disposeVariables());

async function artifactsOf(model: tf.LayersModel): Promise<ModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    }),
  );
  const { modelTopology, weightSpecs, weightData } = saved as tf.io.ModelArtifacts;
  return {
    modelTopology,
    weightSpecs: weightSpecs as ModelArtifacts["weightSpecs"],
    weightData: new Uint8Array(weightData as ArrayBuffer),
  };
}

function noise(n: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: n }, () => random.normal());
}

function expectClose(got: Float32Array, wanted: ArrayLike<number>, tolerance: number): void {
  expect(got).toHaveLength(wanted.length);
  const range = Math.max(...Array.from(wanted, Math.abs), 1e-6);
  for (let i = 0; i < got.length; i++) {
    expect(Math.abs(got[i] - wanted[i]), `element ${i}`).toBeLessThanOrEqual(tolerance * range);
  }
}

const activations = [
  "elu",
  "relu",
  "relu6",
  "selu",
  "sigmoid",
  "hardSigmoid",
  "softplus",
  "softsign",
  "tanh",
  "softmax",
  "linear",
  "swish",
  "mish",
  "gelu",
  "gelu_new",
] as const;

describe.each(variantsHere(runtimeSet))("f32 on %s equals tfjs", (variant) => {
  test.each(activations)("Dense with %s", async (activation) => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 37, activation: activation as "relu", inputShape: [23] }),
        tf.layers.dense({ units: 9, activation: activation as "relu" }),
      ],
    });
    const graph = simplify(importModel(await artifactsOf(model)));
    using runner = createModel(graph, { variant });
    for (const batch of [1, 2, 9]) {
      const x = noise(batch * 23, batch);
      const wanted = (model.predict(tf.tensor2d(x, [batch, 23])) as tf.Tensor).dataSync();
      const [got] = Object.values(runner.run(x));
      expectClose(got, wanted, 1e-5);
    }
  });

  test("layers without weights, batch norm, PReLU, several inputs and outputs", async () => {
    const a = tf.input({ shape: [4, 6], name: "a" });
    const b = tf.input({ shape: [5], name: "b" });
    const flat = tf.layers
      .flatten()
      .apply(tf.layers.prelu({ alphaInitializer: "randomNormal" }).apply(a)) as tf.SymbolicTensor;
    const norm = tf.layers
      .batchNormalization({ movingMeanInitializer: "randomNormal", gammaInitializer: "randomNormal" })
      .apply(tf.layers.dense({ units: 8 }).apply(flat)) as tf.SymbolicTensor;
    const shaped = tf.layers.reshape({ targetShape: [2, 4] }).apply(norm) as tf.SymbolicTensor;
    const left = tf.layers.dense({ units: 3, activation: "softmax" }).apply(shaped) as tf.SymbolicTensor;
    const right = tf.layers.leakyReLU().apply(tf.layers.dense({ units: 2 }).apply(b)) as tf.SymbolicTensor;
    const model = tf.model({ inputs: [a, b], outputs: [left, right] });
    using runner = createModel(simplify(importModel(await artifactsOf(model))), { variant });
    const [x, y] = [noise(3 * 24, 1), noise(3 * 5, 2)];
    const wanted = model.predict([tf.tensor3d(x, [3, 4, 6]), tf.tensor2d(y, [3, 5])]) as tf.Tensor[];
    const got = runner.run({ a: x, b: y });
    model.outputNames.forEach((name, i) => {
      expectClose(got[name], wanted[i].dataSync(), 1e-5);
    });
  });

  test("sparse f32 kernels run by rows", async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 12, inputShape: [40] })] });
    const [kernel, bias] = model.getWeights();
    const random = createRandom(5);
    const sparse = tf.tidy(() =>
      kernel.mul(
        tf.tensor2d(
          noise(480, 3).map(() => (random.uniform() < 0.1 ? 1 : 0)),
          [40, 12],
        ),
      ),
    );
    model.setWeights([sparse, bias]);
    using runner = createModel(importModel(await artifactsOf(model)), { variant });
    expect(runner.steps()).toEqual([expect.stringContaining("csr")]);
    const x = noise(80, 4);
    const [got] = Object.values(runner.run(x));
    expectClose(got, (model.predict(tf.tensor2d(x, [2, 40])) as tf.Tensor).dataSync(), 1e-5);
  });

  test.skipIf(!hasModels)("abalone-mlp", async () => {
    const graph = simplify(importModel(await readArtifacts(`${models}/abalone-mlp/model.json`)));
    const model = await tf.loadLayersModel({
      load: async () => {
        const { modelTopology, weightSpecs, weightData } = await readArtifacts(
          `${models}/abalone-mlp/model.json`,
        );
        return {
          modelTopology: modelTopology as object,
          weightSpecs: weightSpecs as tf.io.WeightsManifestEntry[],
          weightData: weightData.slice().buffer,
        };
      },
    });
    using runner = createModel(graph, { variant });
    const x = noise(50 * 8, 9);
    const [got] = Object.values(runner.run(x));
    expectClose(got, (model.predict(tf.tensor2d(x, [50, 8])) as tf.Tensor).dataSync(), 1e-5);
  });
});

describe("a model", () => {
  const graph = async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 5, activation: "relu", inputShape: [3], name: "hidden" }),
        tf.layers.dense({ units: 2, name: "out" }),
      ],
    });
    return importModel(await artifactsOf(model));
  };

  test("refuses wrong inputs and says what it wanted", async () => {
    using model = createModel(await graph());
    const [{ name }] = model.inputs;
    expect(() => model.run(new Float32Array(4))).toThrow(/wanted a multiple of 3 numbers/);
    expect(() => model.run({})).toThrow(/missing/);
    expect(() => model.run({ other: new Float32Array(3) })).toThrow(/got other/);
    expect(() => model.run(new Float32Array(0))).toThrow(RangeError);
    const others: [unknown, string][] = [
      [[[1, 2, 3]], "wanted an array of numbers, got object of object"],
      [{ [name]: "abc" }, "wanted an array of numbers, got string of string"],
      [{ [name]: null }, "wanted an array of numbers, got object of undefined"],
      [undefined, "run: wanted numbers, or inputs by name, got undefined"],
    ];
    for (const [inputs, message] of others) expect(() => model.run(inputs as number[])).toThrow(message);
    expect(model.run({ [name]: [1, 2, 3] }).out).toHaveLength(2);
  });

  test("keeps intermediate values on request", async () => {
    using model = createModel(await graph(), { keep: ["hidden"] });
    model.run([1, 2, 3, 4, 5, 6]);
    expect(model.value("hidden")).toHaveLength(10);
    expect(() => model.value("out2")).toThrow(/not kept/);
    const source = await graph();
    expect(() => createModel(source, { keep: ["nothing"] })).toThrow(/no value nothing/);
    const options: object = { keeep: ["hidden"] };
    expect(() => createModel(source, options)).toThrow("options: wanted variant or keep, got keeep");
  });

  test("gives each batch size the same answers, also after plans are dropped", async () => {
    using model = createModel(await graph());
    const x = noise(3 * 20, 8);
    const alone = Array.from({ length: 20 }, (_, i) => [
      ...model.run(x.subarray(i * 3, i * 3 + 3)).out,
    ]).flat();
    for (const batch of [20, 10, 5, 4, 2, 1, 20]) {
      const got: number[] = [];
      for (let i = 0; i < 20; i += batch) got.push(...model.run(x.subarray(i * 3, (i + batch) * 3)).out);
      expect(got).toEqual(alone);
    }
  });

  test("cannot run once disposed", async () => {
    const model = createModel(await graph());
    model.dispose();
    expect(() => model.run([1, 2, 3])).toThrow(/disposed/);
  });
});

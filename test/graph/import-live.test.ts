/** Models built with tfjs, saved, imported: names, shapes and numbers must be tfjs' own. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel, inferShapes, parameterCount } from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import {
  artifactsOf,
  expectClose,
  expectSameAsTfjs,
  inputsOf,
  noise,
  predict,
  randomize,
} from "./helpers.js";

beforeAll(() => tf.setBackend("cpu"));

const { layers } = tf;
const dense = (units: number, args: Partial<Parameters<typeof layers.dense>[0]> = {}) =>
  layers.dense({ units, ...args });

/** Random weights, then the comparison; outputs must have tfjs' names too. */
async function same(model: tf.LayersModel) {
  randomize(model);
  const graph = await expectSameAsTfjs(model);
  expect(graph.outputs.map(({ name }) => name)).toEqual(model.outputNames);
  expect(parameterCount(graph)).toBeGreaterThan(0);
  return graph;
}

describe("sequential", () => {
  test("dense layers, with and without bias", async () => {
    const model = tf.sequential({
      layers: [
        dense(5, { inputShape: [4], activation: "relu", name: "a" }),
        dense(2, { useBias: false, name: "b" }),
      ],
    });
    const graph = await same(model);
    expect(graph.inputs).toEqual([{ name: "a_input", shape: [null, 4] }]);
    expect(graph.nodes.map(({ name, op }) => `${name}: ${op}`)).toEqual(["a: dense", "b: dense"]);
    expect(Object.keys(graph.nodes[1].weights)).toEqual(["kernel"]);
    expect([...graph.weights.keys()]).toEqual(["a/kernel", "a/bias", "b/kernel"]);
    expect(parameterCount(graph)).toBe(model.countParams());
  });

  test("softmax and logSoftmax leave the layer's name to their result", async () => {
    for (const activation of ["softmax", "logSoftmax"] as const) {
      const name = `s_${activation}`;
      const graph = await same(
        tf.sequential({ layers: [dense(5, { inputShape: [4], activation: activation as "softmax", name })] }),
      );
      expect(graph.nodes.map((node) => [node.name, node.op])).toEqual([
        [`${name}/dense`, "dense"],
        [name, activation],
      ]);
    }
  });

  const activations =
    "linear relu relu6 sigmoid hardSigmoid tanh elu selu softplus softsign swish mish gelu gelu_new";
  test.each(activations.split(" "))("dense with %s", async (activation) => {
    const graph = await same(
      tf.sequential({ layers: [dense(6, { inputShape: [5], activation: activation as "relu" })] }),
    );
    expect(graph.nodes[0].attrs).toEqual({ activation: activation === "gelu_new" ? "geluNew" : activation });
  });

  test("every activation layer", async () => {
    const graph = await same(
      tf.sequential({
        layers: [
          dense(6, { inputShape: [5] }),
          layers.activation({ activation: "hardSigmoid" }),
          dense(6),
          layers.reLU({ maxValue: 0.7 }),
          dense(6),
          layers.reLU(),
          dense(6),
          layers.reLU({ maxValue: 6 }),
          dense(6),
          layers.leakyReLU({ alpha: 0.2 }),
          dense(6),
          layers.prelu(),
          dense(6),
          layers.elu(),
          layers.thresholdedReLU({ theta: 0.4 }),
          layers.activation({ activation: "softmax" }),
          dense(6),
          layers.softmax({ axis: -1 }),
          layers.softmax(),
        ],
      }),
    );
    expect(graph.nodes.filter(({ op }) => op === "unary").map(({ attrs }) => attrs)).toEqual([
      { fn: "hardSigmoid" },
      { fn: "relu", maxValue: Math.fround(0.7) === 0.7 ? 0.7 : expect.closeTo(0.7, 6) },
      { fn: "relu" },
      { fn: "relu6" },
      { fn: "leakyRelu", alpha: 0.2 },
      { fn: "elu", alpha: 1 },
      { fn: "thresholdedRelu", theta: 0.4 },
    ]);
  });

  test("dense over the last axis of rank 4, flatten, reshape with an open size", async () => {
    const graph = await same(
      tf.sequential({
        layers: [
          dense(3, { inputShape: [2, 4, 5] }),
          layers.flatten(),
          layers.reshape({ targetShape: [-1, 6] }),
          dense(2, { activation: "tanh" }),
          layers.reshape({ targetShape: [2, null as unknown as number, 2] }),
        ],
      }),
    );
    expect([...inferShapes(graph).values()]).toEqual([
      [null, 2, 4, 5],
      [null, 2, 4, 3],
      [null, 24],
      [null, 4, 6],
      [null, 4, 2],
      [null, 2, 2, 2],
    ]);
  });

  test("layers that act in training only leave no node", async () => {
    const graph = await same(
      tf.sequential({
        layers: [
          dense(4, { inputShape: [3, 5] }),
          layers.dropout({ rate: 0.5 }),
          layers.spatialDropout1d({ rate: 0.5 } as Parameters<typeof layers.spatialDropout1d>[0]),
          layers.gaussianNoise({ stddev: 1 }),
          layers.gaussianDropout({ rate: 0.5 }),
          layers.alphaDropout({ rate: 0.5 }),
          dense(2),
          layers.dropout({ rate: 0.5, name: "last" }),
        ],
      }),
    );
    expect(graph.nodes.map(({ op }) => op)).toEqual(["dense", "dense"]);
    expect(graph.outputs).toEqual([{ name: "last", value: graph.nodes[1].name }]);
  });

  test("an InputLayer of its own", async () => {
    const model = tf.sequential({
      layers: [layers.inputLayer({ inputShape: [3], name: "pixels" }), dense(2)],
    });
    expect((await same(model)).inputs).toEqual([{ name: "pixels", shape: [null, 3] }]);
  });
});

describe("batch normalization", () => {
  test.each([
    { scale: true, center: true },
    { scale: false, center: true },
    { scale: true, center: false },
    { scale: false, center: false, epsilon: 0.1 },
  ])("%o", async (args) => {
    const graph = await same(
      tf.sequential({
        layers: [dense(4, { inputShape: [3] }), layers.batchNormalization({ ...args, name: "bn" })],
      }),
    );
    expect(graph.nodes[1]).toMatchObject({
      op: "affine",
      weights: { scale: "bn/scale", offset: "bn/offset" },
    });
    expect([...graph.weights.keys()].filter((key) => key.startsWith("bn/"))).toEqual([
      "bn/scale",
      "bn/offset",
    ]);
  });

  // Not against predict: tfjs' cpu and wasm kernels take a mean of [1, C, 1, 1] for one of the last
  // axis (they repeat it element by element); tf's own arithmetic broadcasts as Keras does.
  test.each([1, 2, 3, -2])("on axis %i of rank 4", async (axis) => {
    const bn = layers.batchNormalization({ axis, epsilon: 0.01 });
    const model = tf.sequential({ layers: [dense(4, { inputShape: [2, 3, 5] }), bn] });
    randomize(model);
    const graph = importModel(await artifactsOf(model));
    expect(graph.nodes.map(({ op }) => op)).toEqual(
      axis === 3 ? ["dense", "affine"] : ["dense", "transpose", "affine", "transpose"],
    );

    const inputs = inputsOf(model);
    const x = model.layers[0].apply(tf.tensor(Object.values(inputs)[0], [3, 2, 3, 5])) as tf.Tensor;
    const shape = [1, 1, 1, 1].map((_, i) => (i === (axis + 4) % 4 ? x.shape[i] : 1));
    const [gamma, beta, mean, variance] = bn.getWeights().map((weight) => weight.reshape(shape));
    const wanted = x.sub(mean).div(variance.add(0.01).sqrt()).mul(gamma).add(beta);
    expectClose(evaluate(graph, inputs)[bn.name], wanted.dataSync(), 1e-5);
  });
});

describe("functional", () => {
  test("several inputs and outputs, in the model's order", async () => {
    const [a, b] = [tf.input({ shape: [3], name: "left" }), tf.input({ shape: [4], name: "right" })];
    const ya = dense(2, { name: "of_left" }).apply(a) as tf.SymbolicTensor;
    const yb = dense(5, { name: "of_right", activation: "tanh" }).apply(b) as tf.SymbolicTensor;
    const deeper = dense(1, { name: "deeper" }).apply(yb) as tf.SymbolicTensor;
    const graph = await same(tf.model({ inputs: [b, a], outputs: [deeper, ya, yb] }));
    expect(graph.outputs.map(({ value }) => value)).toEqual(["deeper", "of_left", "of_right"]);
  });

  test("a shared layer: one set of weights, a name for each call", async () => {
    const x = tf.input({ shape: [4], name: "x" });
    const shared = dense(4, { name: "again", activation: "tanh" });
    const other = dense(4, { name: "again_1" });
    const twice = shared.apply(shared.apply(x)) as tf.SymbolicTensor;
    const graph = await same(tf.model({ inputs: x, outputs: other.apply(twice) as tf.SymbolicTensor }));
    // again_1 is a layer, so the second call of "again" cannot be, though it comes first.
    expect(graph.nodes.map(({ name }) => name)).toEqual(["again", "again_2", "again_1"]);
    expect(graph.weights.size).toBe(4);
  });

  test("a shared layer as two outputs: tfjs has one name for both, a graph cannot", async () => {
    const [a, b] = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
    const shared = dense(2, { name: "both" });
    const model = tf.model({
      inputs: [a, b],
      outputs: [shared.apply(a), shared.apply(b)] as tf.SymbolicTensor[],
    });
    randomize(model);
    const graph = await expectSameAsTfjs(model);
    expect(model.outputNames).toEqual(["both", "both"]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["both", "both_1"]);
  });

  test("a shared layer as two outputs beside a layer of the name that its second would get", async () => {
    const x = tf.input({ shape: [3] });
    const [shared, other] = [dense(3, { name: "out" }), dense(2, { name: "out_1" })];
    const once = shared.apply(x);
    const outputs = [once, shared.apply(once as tf.SymbolicTensor), other.apply(x)] as tf.SymbolicTensor[];
    const model = tf.model({ inputs: x, outputs });
    randomize(model);
    const graph = await expectSameAsTfjs(model);
    expect(graph.outputs).toEqual(["out", "out_2", "out_1"].map((name) => ({ name, value: name })));
  });
});

describe("nested", () => {
  const inner = (name: string, inputs = 4) =>
    tf.sequential({
      name,
      layers: [
        dense(5, { inputShape: [inputs], activation: "relu", name: `${name}_d1` }),
        layers.batchNormalization({ name: `${name}_bn` }),
        dense(4, { name: `${name}_d2` }),
      ],
    });

  test("sequential in sequential, first and last", async () => {
    const graph = await same(tf.sequential({ layers: [inner("p"), dense(4), inner("q")] }));
    expect(graph.inputs[0].name).toBe("p_d1_input");
    expect(graph.outputs).toEqual([{ name: "q", value: "q_d2" }]);
  });

  test("nothing but a model: its outputs are the outer one's", async () => {
    const graph = await same(tf.sequential({ layers: [tf.sequential({ layers: [inner("deep")] })] }));
    expect(graph.outputs).toEqual([{ name: "deep_d2", value: "deep_d2" }]);
  });

  test("functional with two outputs in functional, used twice", async () => {
    const x = tf.input({ shape: [3] });
    const first = dense(3, { name: "f1", activation: "tanh" }).apply(x) as tf.SymbolicTensor;
    const second = dense(3, { name: "f2" }).apply(first) as tf.SymbolicTensor;
    const twins = tf.model({ inputs: x, outputs: [first, second], name: "twins" });

    const y = tf.input({ shape: [3], name: "y" });
    const [a, b] = twins.apply(y) as tf.SymbolicTensor[];
    const [c] = twins.apply(b) as tf.SymbolicTensor[];
    const head = dense(2, { name: "head" }).apply(c) as tf.SymbolicTensor;
    const graph = await same(tf.model({ inputs: y, outputs: [head, a] }));
    expect(graph.nodes.map(({ name }) => name)).toEqual(["f1", "f2", "f1_1", "f2_1", "head"]);
    expect(graph.weights.size).toBe(6);
    expect(graph.outputs).toEqual([
      { name: "head", value: "head" },
      { name: "twins", value: "f1" },
    ]);
  });

  test("sequential in functional, functional in sequential", async () => {
    const x = tf.input({ shape: [4], name: "x" });
    const body = inner("s").apply(x) as tf.SymbolicTensor;
    const model = tf.model({
      inputs: x,
      outputs: dense(3, { name: "h" }).apply(body) as tf.SymbolicTensor,
      name: "m",
    });
    await same(model);
    await same(tf.sequential({ layers: [model, dense(2)] }));
  });
});

describe("rescaling", () => {
  const rescaling = (scale: number, offset = 0) =>
    layers.rescaling({ scale, offset, name: "rescaling", inputShape: [3] } as Parameters<
      typeof layers.rescaling
    >[0]);
  const inner = (first: tf.layers.Layer, name: string) =>
    tf.sequential({ name, layers: [first, layers.activation({ activation: "tanh" })] });

  test("of one name in several models: each has its own numbers", async () => {
    const models = [rescaling(0.5), rescaling(3, 1), rescaling(0.5)].map((first, i) => inner(first, `m${i}`));
    const graph = await same(tf.sequential({ layers: models }));
    const scales = graph.nodes.filter(({ op }) => op === "affine").map(({ weights }) => weights.scale);
    expect(scales).toEqual(["rescaling/scale", "rescaling/scale_1", "rescaling/scale"]);
  });

  test("of the name that a batch normalization has", async () => {
    const bn = layers.batchNormalization({ name: "rescaling", inputShape: [3] });
    await same(tf.sequential({ layers: [inner(rescaling(0.5), "with_rescaling"), inner(bn, "with_bn")] }));
  });

  test("shared by values of other channels", async () => {
    const [a, b] = [tf.input({ shape: [2, 3] }), tf.input({ shape: [2, 1] })];
    const shared = layers.rescaling({ scale: 1 / 255, offset: -1 });
    const outputs = [shared.apply(a), shared.apply(b)] as tf.SymbolicTensor[];
    await expectSameAsTfjs(tf.model({ inputs: [a, b], outputs }));
  });
});

test("model.toJSON() as text goes the same way as what save writes", async () => {
  const model = tf.sequential({ layers: [dense(5, { inputShape: [4], activation: "relu" }), dense(2)] });
  randomize(model);
  const artifacts = await artifactsOf(model);
  const graph = importModel({ ...artifacts, modelTopology: model.toJSON() });
  expect(graph.nodes).toEqual(importModel(artifacts).nodes);
});

test("shared axes of a prelu are shapes of its weight", async () => {
  const model = tf.sequential({
    layers: [dense(4, { inputShape: [2, 3] }), layers.prelu({ sharedAxes: [1], name: "p" })],
  });
  const graph = importModel(await artifactsOf(model));
  expect(graph.weights.get("p/alpha")?.shape).toEqual([1, 4]);
});

test("the state of an optimizer is not of the model; what no layer reads is listed", async () => {
  const model = tf.sequential({ layers: [dense(2, { inputShape: [3], name: "d" })] });
  randomize(model);
  const artifacts = await artifactsOf(model);
  const extra = [
    { name: "spare", shape: [2], dtype: "float32" },
    { name: "adam/m", shape: [1], dtype: "float32", group: "optimizer" },
  ];
  const weightData = new Uint8Array(artifacts.weightData.length + 12);
  weightData.set(artifacts.weightData);
  const weightSpecs = [...artifacts.weightSpecs, ...extra];
  const graph = importModel({ ...artifacts, weightSpecs, weightData });
  expect(graph.unused).toEqual(["spare"]);
  expect(graph.weights.size).toBe(2);
});

test("weights quantized in the file: what tfjs computes with them", async () => {
  const model = tf.sequential({
    layers: [dense(8, { inputShape: [6], name: "d" }), dense(2, { name: "e" })],
  });
  const codes = (bits: number, length: number) =>
    noise(length, bits).map((v) => Math.round((v + 1) * 2 ** (bits - 1) * 0.99));
  const specs = [
    {
      name: "d/kernel",
      shape: [6, 8],
      dtype: "float32" as const,
      quantization: { dtype: "uint8" as const, scale: 0.01, min: -1.3 },
    },
    { name: "d/bias", shape: [8], dtype: "float32" as const },
    {
      name: "e/kernel",
      shape: [8, 2],
      dtype: "float32" as const,
      quantization: { dtype: "uint16" as const, scale: 3e-5, min: -1 },
    },
    { name: "e/bias", shape: [2], dtype: "float32" as const, quantization: { dtype: "float16" as const } },
  ];
  const parts = [
    Uint8Array.from(codes(8, 48)),
    new Uint8Array(noise(8).buffer),
    new Uint8Array(Uint16Array.from(codes(16, 16)).buffer),
    new Uint8Array(Uint16Array.of(0x3c01, 0xb555).buffer),
  ];
  const weightData = Uint8Array.from(parts.flatMap((part) => [...part]));
  const topology = model.toJSON(null, false) as unknown as tf.io.ModelArtifacts["modelTopology"];
  const loaded = await tf.loadLayersModel(
    tf.io.fromMemory({ modelTopology: topology, weightSpecs: specs, weightData: weightData.buffer }),
  );
  // Sequential models know their inputs only once they are built.
  (loaded as tf.Sequential).build();
  const graph = importModel({ modelTopology: topology, weightSpecs: specs, weightData });
  for (const weight of loaded.weights) {
    // Bit for bit, also for half floats.
    expect(graph.weights.get(weight.originalName)?.data).toEqual(weight.read().dataSync());
  }
  const inputs = inputsOf(loaded);
  expectClose(evaluate(graph, inputs).e, predict(loaded, inputs)[0], 1e-5);
});

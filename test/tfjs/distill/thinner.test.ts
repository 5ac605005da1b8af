/** Thinner copies: sizes, what keeps them, seeds, and that they run. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { thinnerCopy } from "../../../src/tfjs.js";
import { mixedModel, useBackend, valuesOf } from "../support.js";

const { layers } = tf;

beforeAll(() => useBackend("cpu"));

/** Shapes of all weights, by name. */
const shapesOf = (model: tf.LayersModel) =>
  Object.fromEntries(model.weights.map((weight) => [weight.originalName, weight.shape]));

const valuesBy = (model: tf.LayersModel) => Object.values(valuesOf(model));

function predictZeros(model: tf.LayersModel): (number | null)[] {
  return tf.tidy(() => {
    const inputs = model.inputs.map(({ shape }) => tf.zeros(shape.map((size) => size ?? 2)));
    return ([model.predict(inputs)].flat() as tf.Tensor[])[0].shape;
  });
}

test("a Sequential with a nested one: dense, convolutions, what follows them, the same output", () => {
  const model = mixedModel();
  const before = valuesBy(model);
  const copy = thinnerCopy(model, { width: 0.5 });
  expect(shapesOf(copy)).toEqual({
    "conv/kernel": [3, 3, 4, 4],
    "conv/bias": [4],
    "norm/gamma": [4],
    "norm/beta": [4],
    "norm/moving_mean": [4],
    "norm/moving_variance": [4],
    "depthwise/depthwise_kernel": [3, 3, 4, 1],
    "depthwise/bias": [4],
    "transposed/kernel": [1, 1, 2, 4],
    "transposed/bias": [2],
    "inner/kernel": [32, 6],
    "inner/bias": [6],
    "outer/kernel": [6, 3],
    "outer/bias": [3],
  });
  expect(copy.getClassName()).toBe("Sequential");
  expect(predictZeros(copy)).toEqual([2, 3]);
  expect(valuesBy(model)).toEqual(before);
});

test("the same seed gives the same weights, another one others, and nothing is left behind", () => {
  const model = mixedModel();
  const before = tf.memory().numTensors;
  const of = (seed: number) => {
    const copy = thinnerCopy(model, { width: 0.5, seed });
    const values = valuesBy(copy);
    for (const weight of copy.weights) (weight.read() as tf.Variable).dispose(); // `dispose` leaves nested ones
    return values;
  };
  expect(of(3)).toEqual(of(3));
  expect(of(3)).not.toEqual(of(4));
  expect(tf.memory().numTensors).toBe(before);
  // Two layers of one shape do not start alike.
  const twins = tf.sequential({
    layers: ["a", "b", "c"].map((name) => layers.dense({ units: 4, name, inputShape: [4] })),
  });
  const [a, , b] = valuesBy(thinnerCopy(twins, { width: 1 }));
  expect(a).not.toEqual(b);
});

/** Two residual blocks of 8 channels, the second on what the first gives; the first is on the input if asked. */
function residual(fromInput: boolean): tf.LayersModel {
  const conv = (name: string) => layers.conv2d({ filters: 8, kernelSize: 3, padding: "same", name });
  const input = tf.input({ shape: [4, 4, 8] });
  const stem = fromInput ? input : (conv("stem").apply(input) as tf.SymbolicTensor);
  const first = layers.add().apply([stem, conv("one").apply(stem) as tf.SymbolicTensor]) as tf.SymbolicTensor;
  const inner = layers.conv2d({ filters: 6, kernelSize: 1, name: "free" }).apply(first) as tf.SymbolicTensor;
  const second = layers
    .add()
    .apply([first, conv("two").apply(inner) as tf.SymbolicTensor]) as tf.SymbolicTensor;
  const pooled = layers.globalAveragePooling2d({}).apply(second) as tf.SymbolicTensor;
  const output = layers.dense({ units: 5, name: "out" }).apply(pooled) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: output });
}

test.each([
  [false, { stem: 4, one: 4, free: 3, two: 4, out: 5 }],
  [true, { one: 8, free: 3, two: 8, out: 5 }],
])("sums: all branches alike; with an input among them (%s) they keep its size", (fromInput, wanted) => {
  const copy = thinnerCopy(residual(fromInput), { width: 0.5 });
  const sizes = Object.fromEntries(
    copy.weights
      .filter(({ originalName }) => originalName.endsWith("bias"))
      .map(({ originalName, shape }) => [originalName.replace("/bias", ""), shape[0]]),
  );
  expect(sizes).toEqual(wanted);
  expect(predictZeros(copy)).toEqual([2, 5]);
});

test("an output that is made before its last layers, and a Reshape, keep their sizes", () => {
  const model = tf.sequential({
    layers: [
      layers.dense({ units: 10, inputShape: [3], name: "free" }),
      layers.dense({ units: 16, name: "reshaped" }),
      layers.reshape({ targetShape: [4, 4, 1] }),
      layers.conv2d({ filters: 7, kernelSize: 3, name: "classes" }),
      layers.batchNormalization(),
      layers.globalAveragePooling2d({}),
      layers.softmax({ axis: -1 }),
    ],
  });
  const copy = thinnerCopy(model, { width: 0.25 });
  expect(shapesOf(copy)).toMatchObject({
    "free/kernel": [3, 3], // 2.5 is rounded up
    "reshaped/kernel": [3, 16],
    "classes/kernel": [3, 3, 1, 7],
  });
  expect(predictZeros(copy)).toEqual([2, 7]);
});

test("nested functional models, used twice; recurrent layers and wrappers; layers that are to keep their size", () => {
  const inside = tf.input({ shape: [6] });
  const encoder = tf.model({
    inputs: inside,
    outputs: layers.dense({ units: 4, name: "code" }).apply(inside) as tf.SymbolicTensor,
    name: "encoder",
  });
  const [one, other] = [tf.input({ shape: [6], name: "one" }), tf.input({ shape: [6], name: "other" })];
  const widen = layers.dense({ units: 6, name: "widen" });
  const codes = [one, other].map((input) => encoder.apply(widen.apply(input)) as tf.SymbolicTensor);
  const joined = layers.concatenate().apply(codes) as tf.SymbolicTensor;
  const model = tf.model({
    inputs: [one, other],
    outputs: layers.dense({ units: 2, name: "out" }).apply(joined) as tf.SymbolicTensor,
  });
  const copy = thinnerCopy(model, { width: 0.5 });
  expect(shapesOf(copy)).toMatchObject({
    "widen/kernel": [6, 3],
    "code/kernel": [3, 2],
    "out/kernel": [4, 2],
  });
  expect(predictZeros(copy)).toEqual([2, 2]);
  const kept = thinnerCopy(model, { width: 0.5, keepOutputs: ["code"] });
  expect(shapesOf(kept)).toMatchObject({ "widen/kernel": [6, 3], "code/kernel": [3, 4] });

  const sequence = tf.sequential({
    layers: [
      layers.embedding({ inputDim: 9, outputDim: 8, inputLength: 5, name: "words" }),
      layers.bidirectional({ layer: layers.lstm({ units: 6, returnSequences: true }), mergeMode: "concat" }),
      layers.timeDistributed({ layer: layers.dense({ units: 4 }) }),
      layers.gru({ units: 4, name: "gru" }),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ] as tf.layers.Layer[],
  });
  const thin = thinnerCopy(sequence, { width: 0.5 });
  expect(thin.layers.map(({ outputShape }) => outputShape)).toEqual([
    [null, 5, 4],
    [null, 5, 6],
    [null, 5, 2],
    [null, 2],
    [null, 1],
  ]);
  expect(predictZeros(thin)).toEqual([2, 1]);
});

test("refuses what is out of range", () => {
  const model = mixedModel();
  expect(() => thinnerCopy({} as never, { width: 0.5 })).toThrow(TypeError);
  expect(() => thinnerCopy(model, { width: 0 })).toThrow("width: wanted a finite number > 0, got 0");
  expect(() => thinnerCopy(model, { width: 1.5 })).toThrow("width: wanted a share in (0, 1], got 1.5");
  expect(() => thinnerCopy(model, { width: 0.5, seed: 0.5 })).toThrow(RangeError);
  expect(() => thinnerCopy(model, { width: 0.5, keepOutputs: ["z"] })).toThrow(
    "keepOutputs: wanted names of layers, got z",
  );
});

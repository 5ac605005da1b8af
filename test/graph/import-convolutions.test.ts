/** Layers over images and sequences, against tfjs: sizes, strides, dilation and padding of every kind. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel, inferShapes } from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { artifactsOf, expectClose, expectSameAsTfjs, noise, randomize } from "./helpers.js";

beforeAll(() => tf.setBackend("cpu"));

const { layers } = tf;

/** A model of one layer on an input of `shape`: imported, it computes what tfjs computes. */
async function same(shape: readonly number[], ...list: tf.layers.Layer[]) {
  const input = tf.input({ shape: [...shape] });
  const output = list.reduce((value, layer) => layer.apply(value) as tf.SymbolicTensor, input);
  const model = tf.model({ inputs: input, outputs: output });
  randomize(model, shape.length);
  const graph = await expectSameAsTfjs(model);
  const [{ value }] = graph.outputs;
  expect(inferShapes(graph).get(value)).toEqual(output.shape);
  return graph;
}

/** Integers in [low, high], the same for the same seed. */
function draw(seed: number) {
  const values = noise(64, seed);
  let i = 0;
  return (low: number, high: number) => low + Math.floor(((values[i++] + 1) / 2) * (high - low + 1));
}

describe.each(["valid", "same"] as const)("padding %s", (padding) => {
  test.each(Array.from({ length: 12 }, (_, i) => i))("conv2d, random sizes %i", async (seed) => {
    const pick = draw(seed + 1);
    const [kh, kw] = [pick(1, 5), pick(1, 5)];
    // tfjs has strides or dilation, not both.
    const isDilated = pick(0, 2) === 0;
    const args = {
      padding,
      kernelSize: [kh, kw],
      strides: (isDilated ? [1, 1] : [pick(1, 3), pick(1, 3)]) as [number, number],
      dilationRate: (isDilated ? [pick(1, 2), pick(1, 3)] : [1, 1]) as [number, number],
      useBias: pick(0, 1) === 1,
      activation: (["linear", "relu", "softmax", "swish"] as const)[pick(0, 3)] as "relu",
    };
    const shape = [pick(9, 14), pick(13, 16), pick(1, 5)];
    await same(shape, layers.conv2d({ ...args, filters: pick(1, 6) }));
    const depthMultiplier = pick(1, 3);
    const kernelSize = [kh, kw] as [number, number];
    await same(shape, layers.depthwiseConv2d({ ...args, kernelSize, dilationRate: 1, depthMultiplier }));
    if (padding === "same") return;
    const dilated = { strides: [1, 1] as [number, number], dilationRate: [2, 3] as [number, number] };
    await same(shape, layers.separableConv2d({ ...args, ...dilated, kernelSize: [2, 3], filters: 3 }));
  });

  test.each(Array.from({ length: 8 }, (_, i) => i))(
    "separable, transposed, random sizes %i",
    async (seed) => {
      const pick = draw(seed + 50);
      const stride = pick(1, 3);
      const args = {
        padding,
        kernelSize: [pick(1, 4), pick(1, 4)] as [number, number],
        useBias: pick(0, 1) === 1,
        filters: pick(1, 5),
      };
      const shape = [pick(5, 9), pick(6, 9), pick(1, 4)];
      await same(
        shape,
        layers.separableConv2d({ ...args, strides: [stride, stride], depthMultiplier: pick(1, 2) }),
      );
      await same(
        shape,
        layers.conv2dTranspose({ ...args, strides: [pick(1, 4), pick(1, 4)], activation: "tanh" }),
      );
    },
  );

  test.each(Array.from({ length: 8 }, (_, i) => i))("pools, random sizes %i", async (seed) => {
    const pick = draw(seed + 100);
    const poolSize = [pick(1, 4), pick(1, 4)] as [number, number];
    const strides = [pick(1, 4), pick(1, 4)] as [number, number];
    const shape = [pick(4, 9), pick(4, 9), pick(1, 3)];
    await same(shape, layers.maxPooling2d({ poolSize, strides, padding }));
    await same(shape, layers.averagePooling2d({ poolSize, strides, padding }));
    const line = [pick(5, 12), pick(1, 4)];
    await same(line, layers.maxPooling1d({ poolSize: pick(1, 4), strides: pick(1, 3), padding }));
    await same(line, layers.averagePooling1d({ poolSize: pick(1, 4), strides: pick(1, 3), padding }));
  });
});

// tfjs has no causal padding: the same layer on values padded by hand.
test("conv1d, padding causal", async () => {
  for (const dilation of [1, 2]) {
    const args = { filters: 4, kernelSize: 3, dilationRate: dilation, name: "c" };
    const x = tf.input({ shape: [9, 2] });
    const y = layers.conv1d({ ...args, padding: "causal", inputShape: [9, 2] });
    const model = tf.model({ inputs: x, outputs: y.apply(x) as tf.SymbolicTensor });
    randomize(model);
    const graph = importModel(await artifactsOf(model));
    const data = noise(18, 5);
    const padded = tf.tensor(data, [1, 9, 2]).pad([
      [0, 0],
      [2 * dilation, 0],
      [0, 0],
    ]);
    const [kernel, bias] = y.getWeights();
    const wanted = tf
      .conv1d(padded as tf.Tensor3D, kernel as tf.Tensor3D, 1, "valid", "NWC", dilation)
      .add(bias);
    expectClose(evaluate(graph, { [graph.inputs[0].name]: data }).c, wanted.dataSync(), 1e-5);
  }
});

test.each(["valid", "same"] as const)("conv1d, padding %s", async (padding) => {
  for (const [kernelSize, strides, dilationRate, length] of [
    [3, 1, 1, 9],
    [4, 2, 1, 10],
    [2, 3, 1, 11],
    [3, 1, 2, 12],
  ]) {
    const args = { filters: 4, kernelSize, strides, dilationRate };
    await same([length, 3], layers.conv1d({ ...args, padding, activation: "elu" }));
  }
});

test("pools without strides do not overlap", async () => {
  const graph = await same([7, 8, 2], layers.maxPooling2d({ poolSize: [3, 2] }));
  expect(graph.nodes[0].attrs).toEqual({ size: [3, 2], strides: [3, 2], padding: [0, 0, 0, 0] });
});

test("global pools", async () => {
  await same([5, 4, 3], layers.globalAveragePooling2d({}));
  await same([5, 4, 3], layers.globalMaxPooling2d({}));
  await same([5, 3], layers.globalAveragePooling1d());
  await same([5, 3], layers.globalMaxPooling1d({} as Parameters<typeof layers.globalMaxPooling1d>[0]));
});

test("frames, sizes and orders", async () => {
  await same([4, 5, 2], layers.zeroPadding2d({ padding: 2 }));
  await same([4, 5, 2], layers.zeroPadding2d({ padding: [1, 2] }));
  const frame: [[number, number], [number, number]] = [
    [0, 1],
    [2, 3],
  ];
  await same([4, 5, 2], layers.zeroPadding2d({ padding: frame }));
  await same([6, 7, 2], layers.cropping2D({ cropping: frame }));
  await same([6, 7, 2], layers.cropping2D({ cropping: [1, 2] as unknown as typeof frame }));
  for (const interpolation of ["nearest", "bilinear"] as const) {
    await same([4, 3, 2], layers.upSampling2d({ size: [2, 3], interpolation }));
  }
  await same([2, 3, 4], layers.permute({ dims: [3, 1, 2] }));
  await same([3], layers.repeatVector({ n: 4 }));
});

test("normalization of images", async () => {
  await same([4, 5, 3], layers.batchNormalization({}));
  for (const axis of [-1, 3, [-1], [2, 3], [1, 2, 3]]) {
    await same([4, 5, 3], layers.layerNormalization({ axis }));
  }
  await same([6], layers.layerNormalization({ center: false }));
  await same([6], layers.layerNormalization({ scale: false, epsilon: 0.1 }));
});

test("prelu with shared axes, rescaling", async () => {
  await same([4, 5, 3], layers.prelu({ sharedAxes: [1, 2] }));
  await same([4, 5, 3], layers.prelu());
  await same([4, 3], layers.rescaling({ scale: 1 / 127.5, offset: -1 }));
});

describe("merges", () => {
  const merges = {
    add: layers.add(),
    multiply: layers.multiply(),
    average: layers.average(),
    maximum: layers.maximum(),
    minimum: layers.minimum(),
    concatenate: layers.concatenate(),
  };
  test.each(Object.entries(merges))("%s of three", async (_name, layer) => {
    const inputs = [0, 1, 2].map(() => tf.input({ shape: [4, 3] }));
    await expectSameAsTfjs(tf.model({ inputs, outputs: layer.apply(inputs) as tf.SymbolicTensor }));
  });

  test("of other ranks, and of sizes of 1", async () => {
    const inputs = [tf.input({ shape: [4, 3] }), tf.input({ shape: [3] }), tf.input({ shape: [1, 3] })];
    const sum = layers.add().apply(inputs) as tf.SymbolicTensor;
    await expectSameAsTfjs(tf.model({ inputs, outputs: sum }));
  });

  test("concatenate on an axis", async () => {
    const inputs = [tf.input({ shape: [4, 3, 2] }), tf.input({ shape: [1, 3, 2] })];
    const both = layers.concatenate({ axis: 1 }).apply(inputs) as tf.SymbolicTensor;
    await expectSameAsTfjs(tf.model({ inputs, outputs: both }));
  });

  test("one value twice", async () => {
    const x = tf.input({ shape: [3] });
    const both = layers.concatenate().apply([x, x]) as tf.SymbolicTensor;
    await expectSameAsTfjs(
      tf.model({ inputs: x, outputs: layers.add().apply([both, both]) as tf.SymbolicTensor }),
    );
  });

  test.each<[readonly number[], readonly number[], number | [number, number]]>([
    [[5], [5], 1],
    [[5], [5], -1],
    [[4, 5], [3, 5], 2],
    [[4, 5], [4, 3], 1],
    [
      [4, 5],
      [5, 3],
      [2, 1],
    ],
    [
      [5, 4],
      [3, 5],
      [1, 2],
    ],
  ])("dot of %j and %j over %j", async (a, b, axes) => {
    const inputs = [tf.input({ shape: [...a] }), tf.input({ shape: [...b] })];
    const outputs = layers.dot({ axes }).apply(inputs) as tf.SymbolicTensor;
    await expectSameAsTfjs(tf.model({ inputs, outputs }));
  });
});

test("an encoder and decoder with skips", async () => {
  const x = tf.input({ shape: [8, 8, 2] });
  const apply = (layer: tf.layers.Layer, ...values: tf.SymbolicTensor[]) =>
    layer.apply(values.length === 1 ? values[0] : values) as tf.SymbolicTensor;
  const conv = (value: tf.SymbolicTensor, filters: number) =>
    apply(layers.conv2d({ filters, kernelSize: 3, padding: "same", activation: "relu" }), value);
  const first = conv(x, 4);
  const low = conv(apply(layers.maxPooling2d({ poolSize: 2 }), first), 6);
  const up = apply(layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: "same" }), low);
  const joined = apply(layers.concatenate(), first, up);
  const y = apply(layers.conv2d({ filters: 1, kernelSize: 1, activation: "sigmoid" }), conv(joined, 4));
  const model = tf.model({ inputs: x, outputs: y });
  randomize(model, 8);
  await expectSameAsTfjs(model);
});

test("an input of open size", async () => {
  const x = tf.input({ shape: [null, null, 3], name: "image" });
  const y = layers.conv2d({ filters: 2, kernelSize: 3 }).apply(x) as tf.SymbolicTensor;
  const artifacts = await artifactsOf(tf.model({ inputs: x, outputs: y }));
  expect(() => importModel(artifacts)).toThrow(RangeError);
  expect(() => importModel(artifacts)).toThrow(
    'got [null, null, null, 3]; give the sizes: inputShapes: { "image": [size, size, 3] }',
  );
  const graph = importModel(artifacts, { inputShapes: { image: [8, 9, 3] } });
  expect(graph.inputs).toEqual([{ name: "image", shape: [null, 8, 9, 3] }]);
  for (const image of [
    [8, 9, 4],
    [8, 9],
    [8, 0, 3],
  ]) {
    expect(() => importModel(artifacts, { inputShapes: { image } })).toThrow(/input image: .*inputShapes/);
  }
});

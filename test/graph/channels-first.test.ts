/** data_format channels_first: the numbers of the same net with channels last, of which tfjs is the oracle. */

import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Graph,
  importModel,
  inferShapes,
  type ModelArtifacts,
  simplify,
} from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { artifactsOf, expectClose, noise, randomize } from "./helpers.js";

beforeAll(() => tf.setBackend("cpu"));

const { layers } = tf;

/** A layer by its place in the net; its arguments know no data format. */
type Make = (name: string) => tf.layers.Layer;

const makes: Readonly<Record<string, Make>> = {
  conv: (name) =>
    layers.conv2d({ name, filters: 3, kernelSize: [3, 2], padding: "same", activation: "relu" }),
  strided: (name) => layers.conv2d({ name, filters: 4, kernelSize: 2, strides: 2, padding: "same" }),
  depthwise: (name) => layers.depthwiseConv2d({ name, kernelSize: 3, padding: "same", depthMultiplier: 2 }),
  separable: (name) =>
    layers.separableConv2d({ name, filters: 3, kernelSize: 2, activation: "tanh", padding: "same" }),
  transposed: (name) =>
    layers.conv2dTranspose({ name, filters: 2, kernelSize: 3, strides: 2, padding: "same" }),
  maxPool: (name) => layers.maxPooling2d({ name, poolSize: 2, strides: 1, padding: "same" }),
  averagePool: (name) => layers.averagePooling2d({ name, poolSize: [2, 1], padding: "same" }),
  normal: (name) => layers.batchNormalization({ name, axis: -1 }),
  layerNormal: (name) => layers.layerNormalization({ name, axis: -1 }),
  pad: (name) =>
    layers.zeroPadding2d({
      name,
      padding: [
        [1, 0],
        [2, 1],
      ],
    }),
  crop: (name) =>
    layers.cropping2D({
      name,
      cropping: [
        [0, 1],
        [1, 0],
      ],
    }),
  upsample: (name) => layers.upSampling2d({ name, size: [2, 1] }),
  relu: (name) => layers.reLU({ name, maxValue: 6 }),
  prelu: (name) => layers.prelu({ name, sharedAxes: [1, 2] }),
};

const ends: Readonly<Record<string, Make>> = {
  flatten: (name) => layers.flatten({ name }),
  globalMean: (name) => layers.globalAveragePooling2d({ name, dataFormat: "channelsLast" }),
  globalMax: (name) => layers.globalMaxPooling2d({ name, dataFormat: "channelsLast" }),
};

type Json = Record<string, unknown>;

/** The saved model with channels first: formats, axes, the shape of the input, and weights that have axes. */
function turned(artifacts: ModelArtifacts): ModelArtifacts {
  const topology = structuredClone(artifacts.modelTopology) as { config: Json };
  const names = new Map<string, string>();
  for (const { class_name, config } of (topology.config.layers ?? []) as {
    class_name: string;
    config: Json;
  }[]) {
    names.set(String(config.name), class_name);
    if (/Conv|Pool|Flatten|UpSampling|ZeroPadding|Cropping/.test(class_name))
      config.data_format = "channels_first";
    if (/Normalization/.test(class_name)) config.axis = 1;
    if (class_name === "PReLU") config.shared_axes = [2, 3];
    const shape = config.batch_input_shape as number[] | undefined;
    if (shape) config.batch_input_shape = [shape[0], shape[3], shape[1], shape[2]];
  }
  const weightSpecs = artifacts.weightSpecs.map((spec) =>
    spec.name.endsWith("/alpha") ? { ...spec, shape: [spec.shape[2], 1, 1] } : spec,
  );
  return { ...artifacts, modelTopology: topology, weightSpecs };
}

const toFirst = (x: Float32Array, shape: readonly number[]) =>
  tf.tidy(() => tf.transpose(tf.tensor(x, [...shape]), [0, 3, 1, 2]).dataSync() as Float32Array);

/** A net of the layers, run by tfjs with channels last, and by pare with channels first as it is and simplified. */
async function compare(kinds: readonly string[], end: string | undefined) {
  const model = tf.sequential();
  model.add(layers.inputLayer({ inputShape: [6, 5, 2], name: "x" }) as never);
  for (const [i, kind] of kinds.entries()) model.add(makes[kind](`l${i}_${kind}`));
  if (end) model.add(ends[end](end));
  if (end === "flatten") model.add(layers.dense({ units: 3, name: "d" }));
  randomize(model);
  const x = noise(2 * 60, 9);
  const result = model.predict(tf.tensor(x, [2, 6, 5, 2])) as tf.Tensor;
  const plain = result.dataSync() as Float32Array;
  const wanted = result.rank === 4 ? toFirst(plain, result.shape) : plain;
  const artifacts = turned(await artifactsOf(model));
  model.dispose();
  const raw = importModel(artifacts);
  expect(raw.inputs[0].shape).toEqual([null, 2, 6, 5]);
  const graph = simplify(raw);
  for (const each of [raw, graph]) {
    const [{ name, value }] = each.outputs;
    if (result.rank === 4) {
      const [, h, w, c] = result.shape;
      expect(inferShapes(each).get(value)).toEqual([null, c, h, w]);
    }
    expectClose(evaluate(each, { [each.inputs[0].name]: toFirst(x, [2, 6, 5, 2]) })[name], wanted, 2e-5);
  }
  return graph;
}

const transposes = ({ nodes }: Graph) => nodes.filter(({ op }) => op === "transpose").length;

describe("channels_first", () => {
  test.each(Object.keys(makes))("%s alone", async (kind) => {
    await compare([kind], undefined);
  });

  test("nets of any layers, with no more transposes inside than at the ends", async () => {
    const net = fc.array(fc.constantFrom(...Object.keys(makes)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(net, fc.constantFrom(undefined, ...Object.keys(ends)), async (kinds, end) => {
        const graph = await compare(kinds, end);
        expect(transposes(graph)).toBeLessThanOrEqual(end ? 1 : 2);
      }),
      { numRuns: 40 },
    );
  });

  test("residual sums, concats along the channels and squeeze and excitation stay with channels last inside", async () => {
    const first = { dataFormat: "channelsFirst", padding: "same" } as const;
    const x = tf.input({ shape: [3, 8, 8], name: "x" });
    const conv = (filters: number, name: string) =>
      layers.conv2d({ filters, kernelSize: 3, name, useBias: true, ...first });
    const a = conv(4, "a").apply(x) as tf.SymbolicTensor;
    const b = conv(4, "b").apply(layers.activation({ activation: "relu" }).apply(a)) as tf.SymbolicTensor;
    const sum = layers.add().apply([a, b]) as tf.SymbolicTensor;
    const pooled = layers.globalAveragePooling2d({ dataFormat: "channelsFirst" }).apply(sum);
    const gate = layers.dense({ units: 4, activation: "sigmoid" }).apply(pooled);
    const scaled = layers
      .multiply()
      .apply([sum, layers.reshape({ targetShape: [4, 1, 1] }).apply(gate) as tf.SymbolicTensor]);
    const both = layers.concatenate({ axis: 1 }).apply([scaled as tf.SymbolicTensor, a]);
    const last = conv(2, "c").apply(both) as tf.SymbolicTensor;
    const flat = layers.flatten().apply(last);
    const model = tf.model({
      inputs: x,
      outputs: layers.dense({ units: 2 }).apply(flat) as tf.SymbolicTensor,
    });
    randomize(model);
    const data = noise(2 * 192, 4);
    const wanted = (model.predict(tf.tensor(data, [2, 3, 8, 8])) as tf.Tensor).dataSync();
    const graph = simplify(importModel(await artifactsOf(model)));
    expect(transposes(graph)).toBe(1);
    expectClose(evaluate(graph, { x: data })[graph.outputs[0].name], wanted, 2e-5);
  });

  test("a softmax is over the width, as tfjs and Keras have it", async () => {
    const model = tf.sequential({
      layers: [
        layers.conv2d({
          filters: 3,
          kernelSize: 1,
          activation: "softmax",
          dataFormat: "channelsFirst",
          inputShape: [2, 4, 5],
        }),
      ],
    });
    randomize(model);
    const data = noise(40, 4);
    const wanted = (model.predict(tf.tensor(data, [1, 2, 4, 5])) as tf.Tensor).dataSync();
    const graph = simplify(importModel(await artifactsOf(model)));
    const got = evaluate(graph, { [graph.inputs[0].name]: data })[graph.outputs[0].name];
    expectClose(got, wanted, 1e-5);
    expect(got.slice(0, 5).reduce((a, b) => a + b)).toBeCloseTo(1);
  });

  test("a flatten of channels_last after it has its own order, which a dense layer takes up", async () => {
    const model = tf.sequential({
      layers: [
        layers.conv2d({ filters: 3, kernelSize: 2, dataFormat: "channelsFirst", inputShape: [2, 4, 5] }),
        layers.flatten(),
        layers.dense({ units: 4 }),
      ],
    });
    randomize(model);
    const data = noise(40, 4);
    const wanted = (model.predict(tf.tensor(data, [1, 2, 4, 5])) as tf.Tensor).dataSync();
    const graph = simplify(importModel(await artifactsOf(model)));
    expect(graph.nodes.map(({ op }) => op)).toEqual(["transpose", "conv2d", "reshape", "dense"]);
    expectClose(evaluate(graph, { [graph.inputs[0].name]: data })[graph.outputs[0].name], wanted, 1e-5);
  });
});

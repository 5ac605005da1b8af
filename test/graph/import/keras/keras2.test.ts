/** Files of Keras 2 and before: HDF5 with a group for each layer, and the first `.keras` zips. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { readKeras } from "../../../../src/file/index.js";
import { importModel, UnsupportedError } from "../../../../src/graph/index.js";
import { functional2, layer2 } from "../../../keras/config.js";
import { hdf5, kerasHdf5, kerasZip, type NamedWeights, type Values } from "../../../keras/files.js";
import { expectTwin, numbered, valuesOf } from "../../../keras/twin.js";
import { evaluate } from "../../evaluate.js";
import { expectClose, noise, randomize } from "../../helpers.js";

beforeAll(() => tf.setBackend("cpu"));

/** The weights of a layer under names, in the layer's order. */
function named(layer: tf.layers.Layer, prefix: string, roles: readonly string[]): NamedWeights {
  return layer.getWeights().map((weight, i) => [`${prefix}/${roles[i]}:0`, valuesOf(weight)]);
}

const dense = ["kernel", "bias"];
const norm = ["gamma", "beta", "moving_mean", "moving_variance"];

const denseConfig = (units: number, activation: string) => ({ units, activation, use_bias: true });

describe("a .h5 file of Keras 2", () => {
  /** A base that is frozen and a head: what transfer learning saves. */
  function transfer(trainable: boolean) {
    const base = tf.sequential({
      layers: [
        tf.layers.dense({ units: 4, inputShape: [3] }),
        tf.layers.batchNormalization(),
        tf.layers.dense({ units: 4, activation: "relu" }),
        tf.layers.batchNormalization(),
      ],
    });
    const input = tf.input({ shape: [3] });
    const head = tf.layers.dense({ units: 2, activation: "softmax" });
    const twin = tf.model({ inputs: input, outputs: head.apply(base.apply(input)) as tf.SymbolicTensor });
    randomize(twin);
    const inner = functional2(
      "base",
      [
        layer2("InputLayer", "input_1", { batch_input_shape: [null, 3] }, []),
        layer2("Dense", "dense", { ...denseConfig(4, "linear"), trainable }, ["input_1"]),
        layer2("BatchNormalization", "bn", { axis: [1], epsilon: 0.001, trainable }, ["dense"]),
        layer2("Dense", "dense_1", denseConfig(4, "relu"), ["bn"]),
        layer2("BatchNormalization", "bn_1", { axis: [1], epsilon: 0.001 }, ["dense_1"]),
      ],
      ["input_1"],
      ["bn_1"],
    );
    const config = functional2(
      "model",
      [
        layer2("InputLayer", "input_2", { batch_input_shape: [null, 3] }, []),
        {
          ...inner,
          name: "base",
          inbound_nodes: [[["input_2", 1, 0, {}]]].map(() => [["input_2", 0, 0, {}]]),
        },
        {
          ...layer2("Dense", "head", denseConfig(2, "softmax")),
          name: "head",
          inbound_nodes: [[["base", 1, 0, {}]]],
        },
      ],
      ["input_2"],
      ["head"],
    );
    const [a, b, c, d] = base.layers;
    const [first, second] = [named(a, "dense", dense), named(c, "dense_1", dense)];
    const [bn, bn1] = [named(b, "bn", norm), named(d, "bn_1", norm)];
    // As Keras lists the weights of a model: what is trained first, then the rest.
    const listed = trainable
      ? [...first, ...bn.slice(0, 2), ...second, ...bn1.slice(0, 2), ...bn.slice(2), ...bn1.slice(2)]
      : [...second, ...bn1.slice(0, 2), ...first, ...bn, ...bn1.slice(2)];
    return { twin, config, listed, head: named(head, "head", dense) };
  }

  test.each([true, false])("a model within the model, its base trained: %s", async (trainable) => {
    const { twin, config, listed, head } = transfer(trainable);
    await expectTwin(await kerasHdf5(config, { input_2: [], base: listed, head }), twin);
  });

  test.each([true, false])(
    "weights by their order where names say nothing, base trained: %s",
    async (trainable) => {
      const { twin, config, listed, head } = transfer(trainable);
      const anonymous = (weights: NamedWeights): NamedWeights =>
        weights.map(([, values], i) => [`variable_${i}:0`, values]);
      await expectTwin(
        await kerasHdf5(config, { input_2: [], base: anonymous(listed), head: anonymous(head) }),
        twin,
      );
    },
  );

  test("names that TensorFlow 1 counted on, and cells between a layer and its weights", async () => {
    const twin = tf.sequential({
      layers: [
        tf.layers.bidirectional({
          layer: tf.layers.gru({ units: 3, returnSequences: true }) as tf.RNN,
          mergeMode: "ave",
          inputShape: [4, 3],
        } as never),
        tf.layers.lstm({ units: 2 }),
        tf.layers.dense({ units: 2 }),
      ],
    });
    randomize(twin);
    const config = {
      class_name: "Sequential",
      config: {
        name: "sequential_1",
        layers: [
          layer2("Bidirectional", "both", {
            batch_input_shape: [null, 4, 3],
            merge_mode: "ave",
            layer: layer2("GRU", "gru_1", {
              units: 3,
              return_sequences: true,
              activation: "tanh",
              recurrent_activation: "hard_sigmoid",
              use_bias: true,
              reset_after: false,
            }),
          }),
          layer2("LSTM", "lstm_1", {
            units: 2,
            activation: "tanh",
            recurrent_activation: "hard_sigmoid",
            use_bias: true,
          }),
          layer2("Dense", "dense_1", denseConfig(2, "linear")),
        ],
      },
    };
    const roles = ["kernel", "recurrent_kernel", "bias"];
    const [both, lstm, head] = twin.layers;
    const sides = both
      .getWeights()
      .map((weight, i): NamedWeights[number] => [
        `both_1/${i < 3 ? "forward" : "backward"}_gru_1/gru_cell/${roles[i % 3]}:0`,
        valuesOf(weight),
      ]);
    const file = await kerasHdf5(
      config,
      {
        both: sides,
        lstm_1: named(lstm, "lstm_1_1/lstm_cell", roles),
        dense_1: named(head, "dense_1_1", dense),
      },
      "2.2.4",
    );
    const graph = await expectTwin(file, twin);
    expect(graph.inputs.map(({ name }) => name)).toEqual(["both_input"]);
  });

  test("a Sequential that was built by what it was called on", async () => {
    const twin = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [5] })] });
    randomize(twin);
    const layers = [layer2("Dense", "dense", denseConfig(3, "linear"))];
    const config = { class_name: "Sequential", config: { name: "s", layers, build_input_shape: [32, 5] } };
    await expectTwin(await kerasHdf5(config, { dense: named(twin.layers[0], "dense", dense) }), twin);
  });

  test("attributes that Keras divides where HDF5 has no room for them", async () => {
    const twin = tf.sequential({
      layers: [tf.layers.dense({ units: 3, inputShape: [5] }), tf.layers.dense({ units: 2 })],
    });
    randomize(twin);
    const config = {
      class_name: "Sequential",
      config: {
        name: "s",
        layers: [
          layer2("Dense", "a", { ...denseConfig(3, "linear"), batch_input_shape: [null, 5] }),
          layer2("Dense", "b", denseConfig(2, "linear")),
        ],
      },
    };
    const file = await hdf5({
      groups: {
        "": { model_config: JSON.stringify(config) },
        model_weights: { layer_names0: ["a"], layer_names1: ["b"] },
        "model_weights/a": { weight_names0: ["a/kernel:0"], weight_names1: ["a/bias:0"] },
        "model_weights/b": { weight_names: ["b/kernel:0", "b/bias:0"] },
      },
      datasets: Object.fromEntries(
        twin.layers.flatMap((layer, i) =>
          named(layer, "ab"[i], dense).map(([name, values]) => [`model_weights/${"ab"[i]}/${name}`, values]),
        ),
      ),
    });
    await expectTwin(file, twin);
  });

  test("operations of TensorFlow among the layers", async () => {
    const lambda = (name: string, fn: string, node: unknown) => ({
      class_name: "TFOpLambda",
      config: { name, trainable: true, dtype: "float32", function: fn },
      name,
      inbound_nodes: [node],
    });
    const config = functional2(
      "model",
      [
        layer2("InputLayer", "x", { batch_input_shape: [null, 3] }, []),
        lambda("tf.math.truediv", "math.truediv", ["x", 0, 0, { y: 2, name: null }]),
        lambda("tf.math.subtract", "math.subtract", ["tf.math.truediv", 0, 0, { y: 1, name: null }]),
        lambda("tf.math.multiply", "math.multiply", [
          "tf.math.subtract",
          0,
          0,
          { y: [[1, 2, 3]], name: null },
        ]),
        lambda("tf.__operators__.add", "__operators__.add", [
          "tf.math.multiply",
          0,
          0,
          { y: ["x", 0, 0], name: null },
        ]),
        lambda("tf.math.subtract_1", "math.subtract", [
          "_CONSTANT_VALUE",
          -1,
          1,
          { y: ["tf.__operators__.add", 0, 0], name: null },
        ]),
        lambda("tf.nn.relu", "nn.relu", ["tf.math.subtract_1", 0, 0, { name: null }]),
      ],
      ["x"],
      ["tf.nn.relu"],
    );
    const file = await kerasHdf5(config, { x: [] });
    const graph = importModel(await readKeras(file));
    const x = noise(6, 3).map((value) => 3 * value);
    const wanted = Array.from(x, (value, i) => Math.max(0, 1 - ((value / 2 - 1) * (1 + (i % 3)) + value)));
    expectClose(evaluate(graph, { x })["tf.nn.relu"], wanted, 1e-5);
  });

  test("a Normalization over the last axis is a Rescaling", async () => {
    const config = functional2(
      "model",
      [
        layer2("InputLayer", "x", { batch_input_shape: [null, 2, 3] }, []),
        layer2("Normalization", "normalization", { axis: [2], mean: null, variance: null }, ["x"]),
      ],
      ["x"],
      ["normalization"],
    );
    const weights: NamedWeights = [
      ["mean:0", { shape: [3], data: Float32Array.of(1, 2, 3) }],
      ["variance:0", { shape: [3], data: Float32Array.of(4, 9, 0.25) }],
      ["count:0", { shape: [], data: BigInt64Array.of(12n), dtype: "<q" }],
    ];
    const graph = importModel(
      await readKeras(await kerasHdf5(config, { x: [], normalization: weights }), { forTfjs: true }),
    );
    const x = noise(12, 4);
    const wanted = Array.from(x, (value, i) => (value - (1 + (i % 3))) / [2, 3, 0.5][i % 3]);
    expectClose(evaluate(graph, { x }).normalization, wanted, 1e-6);
  });

  test("GRUs that reset after the product, which pare has and tfjs has not", async () => {
    const recurrent = {
      units: 2,
      activation: "tanh",
      recurrent_activation: "sigmoid",
      use_bias: true,
      reset_after: true,
    };
    const config = {
      class_name: "Sequential",
      config: {
        name: "s",
        layers: [layer2("GRU", "gru", { ...recurrent, batch_input_shape: [null, 4, 3] })],
      },
    };
    const values = (shape: readonly number[], seed: number): Values => ({
      shape,
      data: noise(
        shape.reduce((a, b) => a * b, 1),
        seed,
      ),
    });
    const file = await kerasHdf5(config, {
      gru: [
        ["gru/gru_cell/kernel:0", values([3, 6], 1)],
        ["gru/gru_cell/recurrent_kernel:0", values([2, 6], 2)],
        ["gru/gru_cell/bias:0", values([2, 6], 3)],
      ],
    });
    expect(importModel(await readKeras(file)).nodes.at(-1)?.attrs.resetAfter).toBe(true);
    await expect(readKeras(file, { forTfjs: true })).rejects.toThrow("GRU: reset_after (of tfjs)");
  });

  test("bilinear upsampling has pixels at their centers since TensorFlow 2", async () => {
    const layers = [
      layer2("UpSampling2D", "up", {
        size: [2, 2],
        interpolation: "bilinear",
        data_format: "channels_last",
        batch_input_shape: [null, 2, 2, 1],
      }),
    ];
    const config = { class_name: "Sequential", config: { name: "s", layers } };
    const x = Float32Array.of(0, 4, 8, 12);
    const run = async (version: string) =>
      evaluate(importModel(await readKeras(await kerasHdf5(config, { up: [] }, version))), { up_input: x })
        .up;
    expect((await run("2.11.0")).slice(0, 4)).toEqual([0, 1, 3, 4]);
    expect((await run("2.2.4")).slice(0, 4)).toEqual([0, 2, 4, 4]);
    await expect(
      kerasHdf5(config, { up: [] }).then((file) => readKeras(file, { forTfjs: true })),
    ).rejects.toThrow(UnsupportedError);
  });
});

test("Resizing has pixels at their centers, where tfjs aligns corners", async () => {
  const resizing = { height: 1, width: 4, interpolation: "bilinear", crop_to_aspect_ratio: false };
  const layers = [layer2("Resizing", "resizing", { ...resizing, batch_input_shape: [7, 1, 2, 1] })];
  const config = { class_name: "Sequential", config: { name: "s", layers } };
  const file = await kerasHdf5(config, { resizing: [] });
  const graph = importModel(await readKeras(file));
  expect(evaluate(graph, { resizing_input: Float32Array.of(0, 4) }).resizing).toEqual([0, 1, 3, 4]);
  await expect(readKeras(file, { forTfjs: true })).rejects.toThrow("Resizing: interpolation bilinear");
});

test("a .keras zip of Keras 2.13, whose groups are counted twice", async () => {
  const twin = tf.sequential({
    layers: [tf.layers.dense({ units: 4, inputShape: [3] }), tf.layers.dense({ units: 2 })],
  });
  randomize(twin);
  const config = {
    module: "keras",
    class_name: "Sequential",
    registered_name: null,
    config: {
      name: "sequential",
      layers: [
        {
          module: "keras.layers",
          class_name: "InputLayer",
          config: { batch_input_shape: [null, 3], dtype: "float32", name: "x" },
          registered_name: null,
        },
        layer2("Dense", "one", denseConfig(4, "linear")),
        layer2("Dense", "two", denseConfig(2, "linear")),
      ],
    },
  };
  const root = "_layer_checkpoint_dependencies";
  const datasets = {
    ...numbered(`${root}/dense`, twin.layers[0]),
    ...numbered(`${root}/dense_2`, twin.layers[1]),
  };
  await expectTwin(await kerasZip(config, { datasets }, "2.13.1"), twin);
});

/** Files of Keras 3: classes and numbers for names, policies for dtypes, tensors as objects. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { readKeras } from "../../../../src/file/index.js";
import { importModel } from "../../../../src/graph/index.js";
import {
  functional3,
  input3,
  kernel3,
  layer3,
  operation3,
  sequential3,
  tensor3,
} from "../../../keras/config.js";
import { type Content, kerasHdf5, kerasZip, type Values } from "../../../keras/files.js";
import { expectTwin, loadInTfjs, numbered, valuesOf } from "../../../keras/twin.js";
import { evaluate } from "../../evaluate.js";
import { expectClose, noise, randomize } from "../../helpers.js";

beforeAll(() => tf.setBackend("cpu"));

/** Groups of layers that have no variables, and the seed of a Dropout, which are there all the same. */
const empty = (...paths: readonly string[]): Content["groups"] =>
  Object.fromEntries(paths.map((path) => [`${path}/vars`, { name: path }]));

const seed: Values = { shape: [2], data: Int32Array.of(7, 0), dtype: "<i" };

describe("a .keras file of Keras 3", () => {
  test("convolutions, normalizations and what is between them, under the user's names", async () => {
    const twin = tf.sequential({
      layers: [
        tf.layers.conv2d({
          filters: 4,
          kernelSize: 3,
          padding: "same",
          activation: "relu",
          inputShape: [8, 8, 3],
        }),
        tf.layers.batchNormalization(),
        tf.layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: "same", useBias: false }),
        tf.layers.separableConv2d({ filters: 6, kernelSize: 3, padding: "same", activation: "swish" }),
        tf.layers.conv2d({ filters: 5, kernelSize: 1 }),
        tf.layers.batchNormalization({ scale: false }),
        tf.layers.leakyReLU({ alpha: 0.2 }),
        tf.layers.prelu({ sharedAxes: [1, 2] }),
        tf.layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: "same" }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.globalAveragePooling2d({}),
        tf.layers.layerNormalization(),
        tf.layers.dense({ units: 4, activation: "softmax" }),
      ],
    });
    randomize(twin);
    const conv = {
      kernel_size: [3, 3],
      strides: [1, 1],
      padding: "same",
      data_format: "channels_last",
      dilation_rate: [1, 1],
      groups: 1,
      ...kernel3,
    };
    const config = sequential3("net", [
      input3("image", [8, 8, 3], "float32", false),
      layer3("Conv2D", "stem", { ...conv, filters: 4, activation: "relu" }),
      layer3("BatchNormalization", "stem_bn", {
        axis: -1,
        momentum: 0.99,
        epsilon: 0.001,
        center: true,
        scale: true,
        synchronized: false,
      }),
      layer3("DepthwiseConv2D", "deep", {
        ...conv,
        strides: [2, 2],
        depth_multiplier: 1,
        use_bias: false,
        activation: "linear",
      }),
      layer3("SpatialDropout2D", "drop", { rate: 0.2, seed: null, data_format: "channels_last" }),
      layer3("SeparableConv2D", "split", { ...conv, filters: 6, depth_multiplier: 1, activation: "silu" }),
      layer3("Conv2D", "point", { ...conv, filters: 5, kernel_size: [1, 1], activation: "linear" }),
      layer3("BatchNormalization", "other_bn", { axis: [3], epsilon: 0.001, center: true, scale: false }),
      layer3("LeakyReLU", "leaky", { negative_slope: 0.2 }),
      layer3("PReLU", "learned", { shared_axes: [1, 2], alpha_initializer: null }),
      layer3("Conv2DTranspose", "up", {
        ...conv,
        filters: 3,
        strides: [2, 2],
        activation: "linear",
        output_padding: null,
      }),
      layer3("MaxPooling2D", "pool", {
        pool_size: [2, 2],
        strides: [2, 2],
        padding: "valid",
        data_format: "channels_last",
      }),
      layer3("GlobalAveragePooling2D", "mean", { data_format: "channels_last", keepdims: true }),
      layer3("Flatten", "flat", { data_format: "channels_last" }),
      layer3("LayerNormalization", "norm", { axis: -1, epsilon: 0.001, center: true, scale: true }),
      layer3("Dropout", "drop_more", { rate: 0.5, seed: null, noise_shape: null }),
      layer3("Dense", "head", { units: 4, activation: "softmax", ...kernel3 }),
    ]);
    const [stem, bn, deep, split, point, bn2, , prelu, up, , , norm, head] = twin.layers;
    const datasets = {
      ...numbered("layers/conv2d", stem),
      ...numbered("layers/batch_normalization", bn),
      ...numbered("layers/depthwise_conv2d", deep),
      ...numbered("layers/separable_conv2d", split),
      ...numbered("layers/conv2d_1", point),
      ...numbered("layers/batch_normalization_1", bn2),
      ...numbered("layers/p_re_lu", prelu),
      ...numbered("layers/conv2d_transpose", up),
      ...numbered("layers/layer_normalization", norm),
      ...numbered("layers/dense", head),
      "layers/spatial_dropout2d/seed_generator/vars/0": seed,
      "layers/dropout/seed_generator/vars/0": seed,
      "optimizer/vars/0": { shape: [], data: BigInt64Array.of(12n), dtype: "<q" },
    };
    const groups = empty(
      "layers/leaky_re_lu",
      "layers/max_pooling2d",
      "layers/global_average_pooling2d",
      "layers/flatten",
    );
    for (const level of [0, 6] as const) {
      const graph = await expectTwin(await kerasZip(config, { groups, datasets }, "3.9.0", level), twin);
      expect(graph.inputs.map(({ name }) => name)).toEqual(["image"]);
      expect(graph.outputs.map(({ name }) => name)).toEqual(["head"]);
    }
  });

  test("recurrent layers, whose weights are their cells', and wrappers", async () => {
    const twin = tf.sequential({
      layers: [
        tf.layers.embedding({ inputDim: 20, outputDim: 6, inputLength: 5 }),
        tf.layers.bidirectional({
          layer: tf.layers.lstm({
            units: 4,
            returnSequences: true,
            recurrentActivation: "sigmoid",
          }) as tf.RNN,
          mergeMode: "concat",
        }),
        tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 3, activation: "tanh" }) }),
        tf.layers.gru({ units: 4, returnSequences: true, recurrentActivation: "sigmoid" }),
        tf.layers.simpleRNN({ units: 3, returnSequences: true }),
        tf.layers.lstm({ units: 2, recurrentActivation: "sigmoid" }),
        tf.layers.dense({ units: 2 }),
      ],
    });
    randomize(twin);
    const recurrent = {
      return_sequences: true,
      return_state: false,
      go_backwards: false,
      stateful: false,
      unroll: false,
      zero_output_for_mask: false,
      activation: "tanh",
      recurrent_activation: "sigmoid",
      use_bias: true,
      dropout: 0,
      recurrent_dropout: 0,
      seed: null,
      kernel_initializer: {
        module: "keras.initializers",
        class_name: "OrthogonalInitializer",
        config: { seed: null, gain: 1 },
        registered_name: null,
      },
    };
    const config = sequential3("text", [
      input3("words", [5], "int64", false),
      layer3("Embedding", "lookup", {
        input_dim: 20,
        output_dim: 6,
        mask_zero: false,
        embeddings_initializer: null,
      }),
      layer3("Bidirectional", "both", {
        merge_mode: "concat",
        layer: layer3("LSTM", "forward_memory", { ...recurrent, units: 4, unit_forget_bias: true }),
        backward_layer: layer3("LSTM", "backward_memory", {
          ...recurrent,
          units: 4,
          unit_forget_bias: true,
          go_backwards: true,
          zero_output_for_mask: true,
        }),
      }),
      layer3("TimeDistributed", "each", {
        layer: layer3("Dense", "inner", { units: 3, activation: "tanh", ...kernel3 }),
      }),
      layer3("GRU", "gated", { ...recurrent, units: 4, reset_after: false }),
      layer3("SimpleRNN", "plain", { ...recurrent, units: 3 }),
      layer3("LSTM", "memory", { ...recurrent, units: 2, return_sequences: false }),
      layer3("Dense", "head", { units: 2, activation: "linear", ...kernel3 }),
    ]);
    const [lookup, both, each, gated, plain, memory, head] = twin.layers;
    const datasets = {
      ...numbered("layers/embedding", lookup),
      ...numbered("layers/bidirectional/forward_layer/cell", both, 0, 3),
      ...numbered("layers/bidirectional/backward_layer/cell", both, 3),
      ...numbered("layers/time_distributed/layer", each),
      ...numbered("layers/gru/cell", gated),
      ...numbered("layers/simple_rnn/cell", plain),
      ...numbered("layers/lstm/cell", memory),
      ...numbered("layers/dense", head),
    };
    const groups = empty(
      "layers/lstm",
      "layers/gru",
      "layers/bidirectional",
      "layers/bidirectional/forward_layer",
    );
    const words = Float32Array.from({ length: 15 }, (_, i) => (i * 7) % 20);
    await expectTwin(await kerasZip(config, { groups, datasets }), twin, { words });
  });

  test("models within models whose layers have one name, a layer called twice, and operations", async () => {
    const [a, b] = [tf.input({ shape: [3] }), tf.input({ shape: [3] })];
    const shared = tf.layers.dense({ units: 4, activation: "tanh" });
    const inner = () =>
      tf.sequential({
        layers: [
          tf.layers.dense({ units: 4, activation: "relu", inputShape: [4] }),
          tf.layers.dense({ units: 4 }),
        ],
      });
    const [left, right] = [inner(), inner()];
    const scaled = tf.layers
      .rescaling({ scale: 1 / 127.5, offset: -1 } as never)
      .apply(a) as tf.SymbolicTensor;
    const x = shared.apply(scaled) as tf.SymbolicTensor;
    const y = shared.apply(b) as tf.SymbolicTensor;
    const sum = tf.layers
      .add()
      .apply([left.apply(x) as tf.SymbolicTensor, right.apply(y) as tf.SymbolicTensor]);
    const again = left.apply(sum as tf.SymbolicTensor) as tf.SymbolicTensor;
    const head = tf.layers.dense({ units: 2, activation: "sigmoid" });
    const twin = tf.model({
      inputs: [a, b],
      outputs: [head.apply(again) as tf.SymbolicTensor, sum as tf.SymbolicTensor],
    });
    randomize(twin);

    const dense = (name: string, units: number, activation: string, reads?: readonly unknown[]) =>
      layer3("Dense", name, { units, activation, ...kernel3 }, reads);
    const leftConfig = sequential3("left", [
      input3("input_layer", [4], "float32", false),
      dense("dense", 4, "relu"),
      dense("dense_1", 4, "linear"),
    ]);
    const rightConfig = functional3(
      "right",
      [
        input3("input_layer", [4]),
        dense("dense", 4, "relu", [[tensor3("input_layer")]]),
        dense("dense_1", 4, "linear", [[tensor3("dense")]]),
      ],
      ["input_layer"],
      ["dense_1"],
    );
    const call = (layer: string, node = 0) => ({
      args: [tensor3(layer, node)],
      kwargs: { training: null, mask: null },
    });
    const config = functional3(
      "whole",
      [
        input3("a", [3]),
        input3("b", [3]),
        operation3("TrueDivide", "true_divide", [tensor3("a"), 127.5]),
        operation3("Subtract", "subtract", [tensor3("true_divide"), 1]),
        dense("dense", 4, "tanh", [[tensor3("subtract")], [tensor3("b")]]),
        { ...leftConfig, name: "left", inbound_nodes: [call("dense"), call("add")] },
        { ...rightConfig, name: "right", inbound_nodes: [call("dense", 1)] },
        // A Sequential counts from 0 in Keras 3, a functional model from 1.
        operation3("Add", "add", [tensor3("left", 0), tensor3("right", 1)]),
        dense("head", 2, "sigmoid", [[tensor3("left", 1)]]),
      ],
      ["a", "b"],
      ["head", "add"],
    );
    const datasets = {
      ...numbered("layers/dense", shared),
      ...numbered("layers/dense_1", head),
      ...numbered("layers/sequential/layers/dense", left.layers[0]),
      ...numbered("layers/sequential/layers/dense_1", left.layers[1]),
      ...numbered("layers/functional/layers/dense", right.layers[0]),
      ...numbered("layers/functional/layers/dense_1", right.layers[1]),
    };
    const groups = empty(
      "layers/input_layer",
      "layers/input_layer_1",
      "layers/sequential",
      "layers/functional/layers/input_layer",
    );
    const graph = await expectTwin(await kerasZip(config, { groups, datasets }), twin);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["head", "add"]);
  });

  const cut = (x: number) => Math.min(Math.max(x + 3, 0), 6) / 6;
  test.each<readonly [name: string, f: (x: number) => number]>([
    ["hard_sigmoid", cut],
    ["hard_silu", (x) => x * cut(x)],
    ["leaky_relu", (x) => (x < 0 ? 0.2 * x : x)],
    ["silu", (x) => x / (1 + Math.exp(-x))],
    ["relu6", (x) => Math.min(Math.max(x, 0), 6)],
  ])("activation %s, which tfjs has not, calls otherwise or computes as Keras 2", async (activation, f) => {
    const kernel = noise(9, 5).map((value) => 3 * value);
    const config = sequential3("s", [
      input3("x", [3], "float32", false),
      layer3("Dense", "head", { units: 3, activation, ...kernel3, use_bias: false }),
    ]);
    const file = await kerasZip(config, {
      datasets: { "layers/dense/vars/0": { shape: [3, 3], data: kernel } },
    });
    const artifacts = await readKeras(file, { forTfjs: true });
    const x = noise(12, 9).map((value) => 2 * value);
    const wanted = Array.from({ length: 12 }, (_, at) => {
      const [row, column] = [Math.floor(at / 3), at % 3];
      return f([0, 1, 2].reduce((sum, k) => sum + x[row * 3 + k] * kernel[k * 3 + column], 0));
    });
    expectClose(evaluate(importModel(artifacts), { x }).head, wanted, 1e-5);
    const loaded = (await loadInTfjs(artifacts)).predict(tf.tensor(x, [4, 3])) as tf.Tensor;
    expectClose(loaded.dataSync(), wanted, 1e-5);
  });

  test("an activation that is a layer, and ReLUs with a slope or a threshold", async () => {
    const twin = tf.sequential({
      layers: [
        tf.layers.dense({ units: 4, inputShape: [3] }),
        tf.layers.leakyReLU({ alpha: 0.3 }),
        tf.layers.dense({ units: 4 }),
        tf.layers.leakyReLU({ alpha: 0.1 }),
        tf.layers.thresholdedReLU({ theta: 0.5 }),
        tf.layers.reLU({ maxValue: 2 }),
      ],
    });
    randomize(twin);
    const config = sequential3("s", [
      input3("x", [3], "float32", false),
      layer3("Dense", "one", {
        units: 4,
        ...kernel3,
        activation: { ...layer3("LeakyReLU", "leaky_re_lu", { negative_slope: 0.3 }) },
      }),
      layer3("Dense", "two", { units: 4, ...kernel3, activation: "linear" }),
      layer3("ReLU", "slope", { max_value: null, negative_slope: 0.1, threshold: 0 }),
      layer3("ReLU", "threshold", { max_value: null, negative_slope: 0, threshold: 0.5 }),
      layer3("ReLU", "max", { max_value: 2, negative_slope: 0, threshold: 0 }),
    ]);
    const datasets = {
      ...numbered("layers/dense", twin.layers[0]),
      ...numbered("layers/dense_1", twin.layers[2]),
    };
    await expectTwin(await kerasZip(config, { datasets }), twin);
  });

  test("weights of doubles, under a policy of mixed precision", async () => {
    const policy = {
      module: "keras",
      class_name: "DTypePolicy",
      config: { name: "mixed_float16" },
      registered_name: null,
    };
    const config = sequential3("s", [
      input3("x", [1], "float32", false),
      layer3("Dense", "head", { units: 3, activation: "linear", ...kernel3, dtype: policy }),
    ]);
    const datasets: Record<string, Values> = {
      "layers/dense/vars/0": { shape: [1, 3], data: Float64Array.of(1, -2, 0.333251953125), dtype: "<d" },
      "layers/dense/vars/1": { shape: [3], data: Float64Array.of(0.5, 0.25, -1), dtype: "<d" },
    };
    const graph = importModel(await readKeras(await kerasZip(config, { datasets })));
    expectClose(evaluate(graph, { x: Float32Array.of(3) }).head, [3.5, -5.75, 3 * 0.333251953125 - 1], 1e-6);
  });

  test("operations with constants: of all, of each channel, on either side", async () => {
    const config = functional3(
      "f",
      [
        input3("x", [3]),
        operation3("Multiply", "multiply", [tensor3("x"), [[2, 3, 4]]]),
        operation3("Subtract", "subtract", [1, tensor3("multiply")]),
        operation3("Negative", "negative", [tensor3("subtract")]),
        operation3("Add", "add", [tensor3("negative"), tensor3("x")]),
        { ...operation3("Sigmoid", "sigmoid", [tensor3("add")]), module: "keras.src.ops.nn" },
      ],
      ["x"],
      ["sigmoid"],
    );
    const graph = importModel(
      await readKeras(await kerasZip(config, { groups: empty("layers/input_layer") })),
    );
    const x = noise(6, 3);
    const wanted = Array.from(x, (value, i) => 1 / (1 + Math.exp(-(value * (2 + (i % 3)) - 1 + value))));
    expectClose(evaluate(graph, { x }).sigmoid, wanted, 1e-6);
  });

  test("masks that Keras 3 writes out are those of the Embedding", async () => {
    const recurrent = {
      units: 2,
      return_sequences: false,
      activation: "tanh",
      recurrent_activation: "sigmoid",
      use_bias: true,
    };
    const masked = { args: [tensor3("embedding")], kwargs: { mask: tensor3("not_equal"), training: false } };
    const config = functional3(
      "f",
      [
        input3("words", [5], "int32"),
        layer3("Embedding", "embedding", { input_dim: 9, output_dim: 3, mask_zero: true }, [
          [tensor3("words")],
        ]),
        operation3("NotEqual", "not_equal", [tensor3("words"), 0]),
        { ...layer3("LSTM", "lstm", recurrent), name: "lstm", inbound_nodes: [masked] },
      ],
      ["words"],
      ["lstm"],
    );
    const datasets: Record<string, Values> = {
      "layers/embedding/vars/0": { shape: [9, 3], data: noise(27) },
      "layers/lstm/cell/vars/0": { shape: [3, 8], data: noise(24, 2) },
      "layers/lstm/cell/vars/1": { shape: [2, 8], data: noise(16, 3) },
      "layers/lstm/cell/vars/2": { shape: [8], data: noise(8, 4) },
    };
    const twin = tf.sequential({
      layers: [
        tf.layers.embedding({ inputDim: 9, outputDim: 3, maskZero: true, inputLength: 5 }),
        tf.layers.lstm({ units: 2, recurrentActivation: "sigmoid" }),
      ],
    });
    twin.setWeights(
      Object.values(datasets).map(({ shape, data }) => tf.tensor(data as Float32Array, [...shape])),
    );
    const words = Float32Array.of(3, 1, 0, 0, 0, 8, 2, 2, 7, 0, 5, 0, 4, 0, 0);
    await expectTwin(await kerasZip(config, { datasets }), twin, { words });
    const { modelTopology } = await readKeras(await kerasZip(config, { datasets }));
    const { layers } = (
      modelTopology as { model_config: { config: { layers: { name: string; inbound_nodes: unknown }[] } } }
    ).model_config.config;
    expect(layers.map(({ name }) => name)).toEqual(["words", "embedding", "lstm"]);
    expect(layers[2].inbound_nodes).toEqual([[["embedding", 0, 0, {}]]]);
  });
});

test("a .h5 file of Keras 3: names of Keras 2's format, with paths for weights", async () => {
  const twin = tf.sequential({
    layers: [
      tf.layers.bidirectional({
        layer: tf.layers.lstm({ units: 2, recurrentActivation: "sigmoid" }) as tf.RNN,
        mergeMode: "sum",
        inputShape: [4, 3],
      } as never),
      tf.layers.dense({ units: 2 }),
    ],
  });
  randomize(twin);
  const recurrent = {
    units: 2,
    return_sequences: false,
    activation: "tanh",
    recurrent_activation: "sigmoid",
    use_bias: true,
  };
  const config = {
    class_name: "Sequential",
    config: {
      name: "sequential",
      layers: [
        {
          class_name: "InputLayer",
          config: { batch_shape: [null, 4, 3], dtype: "float32", sparse: false, name: "input_layer" },
        },
        layer3("Bidirectional", "bidirectional", {
          merge_mode: "sum",
          layer: layer3("LSTM", "forward_lstm", recurrent),
          backward_layer: layer3("LSTM", "backward_lstm", { ...recurrent, go_backwards: true }),
        }),
        layer3("Dense", "dense", { units: 2, activation: "linear", ...kernel3 }),
      ],
    },
  };
  const [both, dense] = twin.layers.map((layer) => layer.getWeights().map(valuesOf));
  const roles = ["kernel", "recurrent_kernel", "bias"];
  const file = await kerasHdf5(
    config,
    {
      bidirectional: ["forward", "backward"].flatMap((side, i) =>
        roles.map((role, k) => [`bidirectional/${side}_lstm/lstm_cell/${role}`, both[3 * i + k]] as const),
      ),
      dense: ["kernel", "bias"].map((role, k) => [`sequential/dense/${role}`, dense[k]] as const),
      top_level_model_weights: [],
    },
    "3.4.1",
  );
  await expectTwin(file, twin);
});

test("names that tfjs does not take, and layers of one name in three models", async () => {
  const inner = (name: string) =>
    sequential3(name, [
      input3("input layer", [3], "float32", false),
      layer3("Dense", "my dense", { units: 3, activation: "linear", ...kernel3 }),
    ]);
  const config = sequential3("whole", [
    input3("the input", [3], "float32", false),
    inner("first"),
    inner("second"),
    layer3("Dense", "my dense", { units: 3, activation: "linear", ...kernel3 }),
    layer3("Dense", "_private", { units: 2, activation: "linear", ...kernel3 }),
  ]);
  const twin = tf.sequential({
    layers: [3, 3, 3, 2].map((units, i) => tf.layers.dense({ units, ...(i === 0 && { inputShape: [3] }) })),
  });
  randomize(twin);
  const [a, b, c, d] = twin.layers;
  const datasets = {
    ...numbered("layers/sequential/layers/dense", a),
    ...numbered("layers/sequential_1/layers/dense", b),
    ...numbered("layers/dense", c),
    ...numbered("layers/dense_1", d),
  };
  const graph = await expectTwin(await kerasZip(config, { datasets }), twin);
  expect(graph.inputs.map(({ name }) => name)).toEqual(["the_input"]);
});

test("weights that Keras quantized are refused by name", async () => {
  const dtype = {
    module: "keras",
    class_name: "QuantizedDTypePolicy",
    config: { mode: "int8", source_name: "float32" },
    registered_name: null,
  };
  const config = sequential3("s", [
    input3("x", [3], "float32", false),
    layer3("Dense", "head", { units: 3, ...kernel3, dtype }),
  ]);
  await expect(kerasZip(config, {}).then((file) => readKeras(file))).rejects.toThrow("Dense of dtype int8");
});

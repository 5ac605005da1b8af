/** Recurrent layers, wrappers and embeddings against tfjs; what tfjs has not, against formulas. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel, UnsupportedError } from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { artifactsOf, expectClose, expectSameAsTfjs, noise, predict, randomize } from "./helpers.js";

beforeAll(() => tf.setBackend("cpu"));

const { layers } = tf;

async function same(...list: tf.layers.Layer[]) {
  const model = tf.sequential({ layers: list });
  randomize(model);
  return expectSameAsTfjs(model);
}

type Both = Parameters<typeof layers.bidirectional>[0];
const makers = { simpleRNN: layers.simpleRNN, lstm: layers.lstm, gru: layers.gru };

describe.each(Object.entries(makers))("%s", (_name, make) => {
  test.each([true, false])("sequences %s, both ways, with and without bias", async (returnSequences) => {
    for (const goBackwards of [true, false]) {
      for (const useBias of [true, false]) {
        const args = { units: 4, returnSequences, goBackwards, useBias, inputShape: [5, 3] };
        await same(make(args as Parameters<typeof layers.lstm>[0]));
      }
    }
  });

  test("stacked, with other functions", async () => {
    const args = { units: 3, activation: "relu", recurrentActivation: "sigmoid", returnSequences: true };
    await same(
      make({ ...args, inputShape: [4, 2] } as Parameters<typeof layers.lstm>[0]),
      make({ units: 5 } as Parameters<typeof layers.lstm>[0]),
      layers.dense({ units: 2 }),
    );
  });

  test.each(["concat", "sum", "mul", "ave"] as const)("bidirectional, %s", async (mergeMode) => {
    for (const returnSequences of [true, false]) {
      const layer = make({ units: 3, returnSequences } as Parameters<typeof layers.lstm>[0]) as tf.RNN;
      await same(layers.bidirectional({ layer, mergeMode, inputShape: [4, 2] } as Both));
    }
  });
});

test("embedding", async () => {
  const model = tf.sequential({
    layers: [layers.embedding({ inputDim: 7, outputDim: 3, inputLength: 4 }), layers.flatten()],
  });
  randomize(model);
  const graph = importModel(await artifactsOf(model));
  const x = Float32Array.of(0, 6, 3, 3, 1, 2, 5, 4, 6, 0, 0, 1);
  const inputs = { [model.inputNames[0]]: x };
  expectClose(evaluate(graph, inputs)[model.outputNames[0]], predict(model, inputs)[0], 0);
});

describe("timeDistributed", () => {
  test("of layers that need no time", async () => {
    const graph = await same(
      layers.timeDistributed({ layer: layers.dense({ units: 4 }), inputShape: [5, 3] }),
      layers.timeDistributed({ layer: layers.activation({ activation: "relu" }) }),
    );
    expect(graph.nodes.map(({ op }) => op)).toEqual(["dense", "unary"]);
  });

  test("of those that do, step by step with the same weights", async () => {
    const graph = await same(
      layers.timeDistributed({
        layer: layers.conv2d({ filters: 2, kernelSize: 3 }),
        inputShape: [3, 6, 5, 2],
      }),
      layers.timeDistributed({ layer: layers.batchNormalization() }),
      layers.timeDistributed({ layer: layers.flatten() }),
      layers.lstm({ units: 3 }),
    );
    const kernels = graph.nodes.filter(({ op }) => op === "conv2d").map(({ weights }) => weights.kernel);
    expect(kernels.length).toBe(3);
    expect(new Set(kernels).size).toBe(1);
  });

  test("of another, and of one that runs both ways: the weights have the outermost name", async () => {
    const gru = () => layers.bidirectional({ layer: layers.gru({ units: 2, name: "g" }) } as Both);
    await same(
      layers.timeDistributed({
        layer: layers.timeDistributed({ layer: layers.dense({ units: 3, name: "d" }) }),
        inputShape: [2, 3, 4],
      }),
      layers.timeDistributed({ layer: layers.timeDistributed({ layer: layers.layerNormalization() }) }),
      layers.timeDistributed({ layer: gru() }),
      gru(),
    );
  });
});

/** A GRU of Keras with reset_after, which tfjs refuses to load, by Keras' formulas in plain loops. */
test("gru with reset_after", () => {
  const [time, size, units] = [4, 3, 5];
  const shapes = { kernel: [size, 3 * units], recurrent_kernel: [units, 3 * units], bias: [2, 3 * units] };
  const parts = Object.values(shapes).map(([a, b], i) => noise(a * b, i + 1));
  const config = {
    name: "g",
    units,
    activation: "tanh",
    recurrent_activation: "sigmoid",
    use_bias: true,
    reset_after: true,
    batch_input_shape: [null, time, size],
  };
  const graph = importModel({
    modelTopology: { class_name: "Sequential", config: { layers: [{ class_name: "GRU", config }] } },
    weightSpecs: Object.entries(shapes).map(([role, shape]) => ({
      name: `g/gru_cell/${role}`,
      shape,
      dtype: "float32",
    })),
    weightData: new Uint8Array(Float32Array.from(parts.flatMap((part) => [...part])).buffer),
  });
  const x = noise(time * size, 9);
  const [w, u, b] = parts;
  let h = new Array<number>(units).fill(0);
  const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
  for (let t = 0; t < time; t++) {
    const sums = (values: ArrayLike<number>, from: number, matrix: Float32Array, bias: number) =>
      Array.from({ length: 3 * units }, (_, column) => {
        let sum = b[bias * 3 * units + column];
        for (let i = 0; i < matrix.length / (3 * units); i++) {
          sum += values[from + i] * matrix[i * 3 * units + column];
        }
        return sum;
      });
    const [input, state] = [sums(x, t * size, w, 0), sums(h, 0, u, 1)];
    h = h.map((past, i) => {
      const z = sigmoid(input[i] + state[i]);
      const r = sigmoid(input[units + i] + state[units + i]);
      return z * past + (1 - z) * Math.tanh(input[2 * units + i] + r * state[2 * units + i]);
    });
  }
  expectClose(evaluate(graph, { g_input: x }).g, h, 1e-6);
});

test.each<[string, tf.layers.Layer, readonly string[]]>([
  ["a state kept", layers.gru({ units: 2, stateful: true, batchInputShape: [2, 4, 3] }), ["GRU: stateful"]],
  [
    "a layer in a wrapper",
    layers.timeDistributed({
      layer: layers.conv3d({ filters: 1, kernelSize: 1 }),
      inputShape: [2, 3, 3, 3, 1],
    }),
    ["TimeDistributed: Conv3D"],
  ],
])("refuses %s", async (_what, layer, what) => {
  const artifacts = await artifactsOf(tf.sequential({ layers: [layer] }));
  const error = (() => {
    try {
      importModel(artifacts);
    } catch (caught) {
      return caught;
    }
    return undefined;
  })();
  expect(error).toBeInstanceOf(UnsupportedError);
  expect((error as UnsupportedError).what).toEqual(what);
});

test("refuses a state that is given, with all else that options and shapes show", async () => {
  const [x, h] = [tf.input({ shape: [4, 3] }), tf.input({ shape: [5] })];
  const video = tf.input({ shape: [4, 4, 4, 1] });
  // tfjs says that it does not write the keyword; it writes the state among the layer's inputs.
  const both = layers.bidirectional({ layer: layers.gru({ units: 5 }) as never, mergeMode: "sum" });
  const decoded = both.apply([x, h, h]);
  const filtered = layers.conv3d({ filters: 1, kernelSize: 1 }).apply(video) as tf.SymbolicTensor;
  const after = layers.flatten().apply(filtered);
  const model = tf.model({
    inputs: [x, h, video],
    outputs: [decoded, after] as tf.SymbolicTensor[],
  });
  const artifacts = await artifactsOf(model);
  expect(() => importModel(artifacts)).toThrow(
    new UnsupportedError(["Conv3D", "Bidirectional: initialState"]),
  );
});

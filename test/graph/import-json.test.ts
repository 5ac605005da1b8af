/** Topologies as other writers than this tfjs write them, and those that are refused. */

import { describe, expect, test } from "vitest";
import {
  importModel,
  type ModelArtifacts,
  UnsupportedError,
  type WeightSpec,
} from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { noise } from "./helpers.js";

type Json = Record<string, unknown>;

const layer = (class_name: string, name: string, config: Json = {}): Json => ({
  class_name,
  config: { name, ...config },
});
const denseOf = (name: string, units: number, config: Json = {}) =>
  layer("Dense", name, { units, use_bias: true, ...config });
const inputOf = (name: string, shape: readonly (number | null)[]) => ({
  ...layer("InputLayer", name, { batch_input_shape: shape }),
  name,
  inbound_nodes: [],
});
const sequential = (layers: readonly Json[], name = "net"): Json => ({
  class_name: "Sequential",
  config: { name, layers },
});
const first = { batch_input_shape: [null, 3] };

/** Artifacts with weights of noise; specs are "name shape". */
function artifacts(
  modelTopology: unknown,
  weights: Readonly<Record<string, readonly number[]>> = {},
): ModelArtifacts {
  const weightSpecs: WeightSpec[] = Object.entries(weights).map(([name, shape]) => ({
    name,
    shape,
    dtype: "float32",
  }));
  const size = weightSpecs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return { modelTopology, weightSpecs, weightData: new Uint8Array(noise(size).buffer) };
}

const oneDense = { "d/kernel": [3, 2], "d/bias": [2] };

describe("spellings of a Sequential", () => {
  const wanted = importModel(artifacts(sequential([denseOf("d", 2, first)]), oneDense));

  const spellings: Readonly<Record<string, unknown>> = {
    "model_config around it": { keras_version: "2.2.4", model_config: sequential([denseOf("d", 2, first)]) },
    "model_config as text": { model_config: JSON.stringify(sequential([denseOf("d", 2, first)])) },
    "config is the array": { class_name: "Sequential", config: [denseOf("d", 2, first)] },
    "camelCase names": {
      className: "Sequential",
      config: {
        layers: [
          { className: "Dense", config: { name: "d", units: 2, useBias: true, batchInputShape: [null, 3] } },
        ],
      },
    },
    "a fixed batch": sequential([denseOf("d", 2, { batch_input_shape: [32, 3] })]),
    input_dim: sequential([denseOf("d", 2, { input_dim: 3 })]),
    "null for what is not set": sequential([denseOf("d", 2, { ...first, activation: null, dtype: null })]),
    "activation as an object": sequential([
      denseOf("d", 2, { ...first, activation: { class_name: "linear", config: {} } }),
    ]),
    "activation of Keras 3": sequential([
      denseOf("d", 2, { ...first, activation: { class_name: "function", config: "linear" } }),
    ]),
  };
  test.each(Object.entries(spellings))("%s", (_what, topology) => {
    expect(importModel(artifacts(topology, oneDense))).toEqual(wanted);
  });

  test("Keras 3 InputLayer with batch_shape", () => {
    const topology = sequential([
      layer("InputLayer", "d_input", { batch_shape: [null, 3] }),
      denseOf("d", 2),
    ]);
    expect(importModel(artifacts(topology, oneDense))).toEqual(wanted);
  });

  test.each(["hard_sigmoid", "hardSigmoid"])("activation %s", (activation) => {
    const graph = importModel(artifacts(sequential([denseOf("d", 2, { ...first, activation })]), oneDense));
    expect(graph.nodes[0].attrs).toEqual({ activation: "hardSigmoid" });
  });
});

describe("names of weights", () => {
  const topology = sequential([denseOf("d", 2, first)]);
  test.each([
    ["net/d/kernel", "net/d/bias"],
    ["any/thing/d/kernel", "any/thing/d/bias"],
    ["d/kernel:0", "d/bias:0"],
    ["net/d/vars/0", "net/d/vars/1"],
    ["d/0", "d/1"],
  ])("%s", (kernel, bias) => {
    const graph = importModel(artifacts(topology, { [kernel]: [3, 2], [bias]: [2] }));
    expect(graph.nodes[0].weights).toEqual({ kernel, bias });
    expect(graph.unused).toEqual([]);
  });

  test("two models with a layer of one name: the path tells", () => {
    const inner = (name: string) => ({ ...sequential([denseOf("d", 3, first)], name) });
    const weights = { "q/d/kernel": [3, 3], "q/d/bias": [3], "p/d/kernel": [3, 3], "p/d/bias": [3] };
    const graph = importModel(artifacts(sequential([inner("p"), inner("q")]), weights));
    expect(graph.nodes.map(({ name, weights: { kernel } }) => [name, kernel])).toEqual([
      ["d", "p/d/kernel"],
      ["d_1", "q/d/kernel"],
    ]);
  });

  test("a name that could be two", () => {
    const weights = { "a/d/kernel": [3, 2], "b/d/kernel": [3, 2], "d/bias": [2] };
    expect(() => importModel(artifacts(topology, weights))).toThrow(
      /layer d: wanted one weight kernel, got a\/d\/kernel, b\/d\/kernel/,
    );
  });

  test("no suffix of a word", () => {
    const weights = { "ad/kernel": [3, 2], "ad/bias": [2] };
    expect(() => importModel(artifacts(topology, weights))).toThrow(
      /layer d: wanted a weight d\/kernel.*has ad\/kernel, ad\/bias/,
    );
  });

  test("a missing one", () => {
    expect(() => importModel(artifacts(topology, { "d/kernel": [3, 2] }))).toThrow(RangeError);
    expect(() => importModel(artifacts(topology, { "d/kernel": [3, 2] }))).toThrow(/wanted a weight d\/bias/);
  });

  test("one that does not fit its layer", () => {
    const wrong = { "d/kernel": [3, 4], "d/bias": [4] };
    expect(() => importModel(artifacts(topology, wrong))).toThrow(
      /layer d: wanted a kernel of \[in, 2\], got \[3, 4\]/,
    );
    expect(() => importModel(artifacts(topology, { ...oneDense, "d/kernel": [4, 2] }))).toThrow(
      /wants 4 channels in, got 3/,
    );
    expect(() => importModel(artifacts(topology, { ...oneDense, "d/bias": [3] }))).toThrow(
      /bias of \[2\], got \[3\]/,
    );
  });
});

describe("functional models", () => {
  const functional = (
    layers: readonly Json[],
    input_layers: unknown,
    output_layers: unknown,
    class_name = "Functional",
  ) => ({
    class_name,
    config: { name: "f", layers, input_layers, output_layers },
  });
  const call = (json: Json, inbound_nodes: unknown): Json => ({
    ...json,
    name: (json.config as Json).name,
    inbound_nodes,
  });
  const tensor = (name: string, index = 0) => ({
    class_name: "__keras_tensor__",
    config: { shape: [null, 3], dtype: "float32", keras_history: [name, index, 0] },
  });
  const weights = { "a/kernel": [3, 3], "a/bias": [3], "b/kernel": [3, 3], "b/bias": [3] };
  const chain = importModel(
    artifacts(sequential([layer("InputLayer", "x", first), denseOf("a", 3), denseOf("b", 3)]), weights),
  );

  test("Keras 2 and 3 write the same model", () => {
    const two = functional(
      [
        inputOf("x", [null, 3]),
        call(denseOf("a", 3), [[["x", 0, 0, {}]]]),
        call(denseOf("b", 3), [[["a", 0, 0, { training: false }]]]),
      ],
      [["x", 0, 0]],
      [["b", 0, 0]],
      "Model",
    );
    const three = functional(
      [
        inputOf("x", [null, 3]),
        call(denseOf("a", 3), [{ args: [tensor("x")], kwargs: {} }]),
        call(denseOf("b", 3), [{ args: [tensor("a")], kwargs: { training: false, mask: null } }]),
      ],
      ["x", 0, 0],
      ["b", 0, 0],
    );
    expect(importModel(artifacts(two, weights))).toEqual(chain);
    expect(importModel(artifacts(three, weights))).toEqual(chain);
  });

  test("layers in any order", () => {
    const topology = functional(
      [
        call(denseOf("b", 3), [[["a", 0, 0, {}]]]),
        call(denseOf("a", 3), [[["x", 0, 0, {}]]]),
        inputOf("x", [null, 3]),
      ],
      [["x", 0, 0]],
      [["b", 0, 0]],
    );
    expect(importModel(artifacts(topology, weights)).nodes).toEqual(chain.nodes);
  });

  test.each([
    ["Keras 2 counts the model's own call", 1],
    ["Keras 3 does not count it", 0],
  ])("calls of a model in a model: %s", (_what, base) => {
    const inner = sequential([denseOf("a", 3, first)], "inner");
    const topology = functional(
      [
        inputOf("x", [null, 3]),
        { ...inner, name: "inner", inbound_nodes: [[["x", 0, 0, {}]], [["b", 0, 0, {}]]] },
        call(denseOf("b", 3), [[["inner", base, 0, {}]]]),
      ],
      [["x", 0, 0]],
      [["inner", base + 1, 0]],
    );
    const graph = importModel(artifacts(topology, weights));
    expect(graph.nodes.map(({ name, inputs }) => [name, ...inputs])).toEqual([
      ["a", "x"],
      ["b", "a"],
      ["a_1", "b"],
    ]);
    expect(graph.outputs).toEqual([{ name: "inner", value: "a_1" }]);
  });

  test.each([
    [
      "a cycle",
      [call(denseOf("a", 3), [[["b", 0, 0, {}]]]), call(denseOf("b", 3), [[["a", 0, 0, {}]]])],
      /part of a cycle/,
    ],
    [
      "a layer that is not there",
      [call(denseOf("b", 3), [[["nix", 0, 0, {}]]])],
      /layer b reads .*nix.*no layer of it/,
    ],
    [
      "a second call that is not made",
      [call(denseOf("b", 3), [[["x", 1, 0, {}]]])],
      /layer b reads .*never made/,
    ],
    [
      "two inputs of a dense",
      [
        call(denseOf("b", 3), [
          [
            ["x", 0, 0, {}],
            ["x", 0, 0, {}],
          ],
        ]),
      ],
      /Dense wants 1 inputs, got 2/,
    ],
    ["a name twice", [call(denseOf("b", 3), []), call(denseOf("b", 3), [])], /wanted b once/],
    ["an output of nothing", [], /reads .*"b".*no layer makes/],
  ])("refuses %s", (_what, layers, message) => {
    const topology = functional(
      [inputOf("x", [null, 3]), ...(layers as Json[])],
      [["x", 0, 0]],
      [["b", 0, 0]],
    );
    expect(() => importModel(artifacts(topology, weights))).toThrow(RangeError);
    expect(() => importModel(artifacts(topology, weights))).toThrow(message as RegExp);
  });

  test("an input that is no InputLayer", () => {
    const topology = functional([call(denseOf("a", 3), [])], [["a", 0, 0]], [["a", 0, 0]]);
    expect(() => importModel(artifacts(topology, weights))).toThrow(
      /input a: wanted an InputLayer, got Dense/,
    );
  });
});

describe("what pare has not", () => {
  function unsupported(topology: unknown): readonly string[] {
    try {
      importModel(artifacts(topology));
    } catch (error) {
      if (error instanceof UnsupportedError) return error.what;
      throw error;
    }
    return [];
  }

  test("all of it at once, from every depth, each once", () => {
    const inner = sequential(
      [layer("Conv9D", "c"), layer("Lambda", "l"), denseOf("e", 2, { activation: "wobble" })],
      "inner",
    );
    const topology = sequential([
      layer("Conv9D", "c9", { batch_input_shape: [null, 3] }),
      layer("Dense", "f", { units: 1, data_format: "channels_first" }),
      inner,
      layer("ReLU", "r", { negative_slope: 0.5, threshold: 1 }),
      layer("ReLU", "r0", { negative_slope: 0, threshold: 0, max_value: 6 }),
      layer("BatchNormalization", "b", { axis: [1, 2] }),
      layer("Softmax", "s", { axis: [1, 2] }),
      layer("Dense", "d", { units: 1, stateful: true }),
      layer("Activation", "a", { activation: "leaky_relu" }),
      layer("constructor", "o"),
    ]);
    expect(unsupported(topology)).toEqual([
      "Conv9D",
      "Dense: data_format channels_first",
      "Lambda",
      "Dense: activation wobble",
      "ReLU: negativeSlope 0.5",
      "ReLU: threshold 1",
      "BatchNormalization: axes 1, 2",
      "Softmax: axes 1, 2",
      "Dense: stateful",
      "Activation: activation leaky_relu",
      "constructor",
    ]);
  });

  test("what only shapes show", () => {
    const input = (shape: readonly (number | null)[], config: Json = {}) =>
      layer("InputLayer", "x", { batch_input_shape: shape, ...config });
    expect(unsupported(sequential([input([null, 3, 4]), layer("Softmax", "s", { axis: 3 })]))).toEqual([
      "Softmax: axis 3 of rank 3",
    ]);
    expect(
      unsupported(sequential([input([null, 3]), layer("BatchNormalization", "b", { axis: 0 })])),
    ).toEqual(["BatchNormalization: axis 0 of rank 2"]);
    expect(
      unsupported(sequential([input([null, 3], { dtype: "string", ragged: true }), layer("Flatten", "f")])),
    ).toEqual(["InputLayer: dtype string", "InputLayer: ragged"]);
  });

  test("what options show and what shapes show, before what is wrong with the rest", () => {
    const topology = sequential([
      layer("Softmax", "s", { axis: 0, batch_input_shape: [null, 3, 4] }),
      layer("Dot", "two_inputs_wanted", { axes: 1 }),
      layer("Conv9D", "c"),
    ]);
    expect(unsupported(topology)).toEqual(["Conv9D", "Softmax: axis 0 of rank 3"]);
    expect(unsupported(sequential([layer("Conv9D", "c", { batch_input_shape: [null, null] })]))).toEqual([
      "Conv9D",
    ]);
  });

  test("a layer that reads more than it may is no such thing", () => {
    const topology = sequential([layer("Dot", "d", { axes: 1, batch_input_shape: [null, 3] })]);
    expect(() => importModel(artifacts(topology))).toThrow("layer d: Dot wants 2 inputs, got 1");
  });
});

test("weights come in one piece or in many, as tfjs hands them to a save handler", () => {
  const { modelTopology, weightSpecs, weightData } = artifacts(sequential([denseOf("d", 2, first)]), {
    "d/kernel": [3, 2],
    "d/bias": [2],
  });
  const bytes = weightData as Uint8Array;
  const buffer = bytes.slice().buffer as ArrayBuffer;
  const wanted = importModel({ modelTopology, weightSpecs, weightData: bytes }).weights;
  for (const data of [buffer, [buffer.slice(0, 10), buffer.slice(10)]]) {
    expect(importModel({ modelTopology, weightSpecs, weightData: data }).weights).toEqual(wanted);
  }
  expect(() => importModel({ weightSpecs, weightData: buffer })).toThrow("wanted a modelTopology, got none");
});

test("inputShapes of no input are refused", () => {
  const { modelTopology, weightSpecs, weightData } = artifacts(sequential([layer("ReLU", "r", first)]));
  const saved = { modelTopology, weightSpecs, weightData };
  expect(() => importModel(saved, { inputShapes: { foo: [3] } })).toThrow(
    /inputShapes: wanted names of inputs \(r_input\), got foo/,
  );
});

describe("what is no model", () => {
  test.each([
    ["null", null, TypeError, /modelTopology: wanted an object, got null/],
    ["no class", {}, TypeError, /class_name: wanted a string/],
    ["a layer", denseOf("d", 2), RangeError, /wanted Sequential, Model or Functional, got Dense/],
    [
      "layers that are none",
      sequential(3 as unknown as Json[]),
      TypeError,
      /layers of net: wanted an array, got 3/,
    ],
    ["a layer that is none", sequential([7 as unknown as Json]), TypeError, /layer: wanted an object, got 7/],
    ["no layers", sequential([]), RangeError, /at least one layer/],
    ["no shape", sequential([denseOf("d", 2)]), RangeError, /input d_input: wanted a batch_input_shape/],
    [
      "units as text",
      sequential([denseOf("d", 2, { ...first, units: "2" })]),
      TypeError,
      /units wants a number, got "2"/,
    ],
    [
      "use_bias as text",
      sequential([denseOf("d", 2, { ...first, use_bias: "no" })]),
      TypeError,
      /useBias wants a boolean/,
    ],
    [
      "a reshape that does not fit",
      sequential([layer("Reshape", "r", { ...first, target_shape: [2, -1] })]),
      RangeError,
      /layer r: wanted a shape of 3 elements, got \[2,-1\]/,
    ],
    [
      "two open sizes",
      sequential([layer("Reshape", "r", { ...first, target_shape: [-1, -1] })]),
      RangeError,
      /layer r/,
    ],
  ])("%s", (_what, topology, type, message) => {
    expect(() => importModel(artifacts(topology, oneDense))).toThrow(type as typeof TypeError);
    expect(() => importModel(artifacts(topology, oneDense))).toThrow(message as RegExp);
  });

  test("nested without end", () => {
    let topology = sequential([denseOf("d", 2, first)]);
    for (let i = 0; i < 40; i++) topology = sequential([topology], `n${i}`);
    expect(() => importModel(artifacts(topology, oneDense))).toThrow(/nested 32 deep at most/);
  });

  test.each(["Flatten", "Dropout", "Conv9D"])("doubling without end: 2^17 of %s in 17 lines", (className) => {
    let inner: Json = { ...layer(className, "m"), name: "m" };
    for (let i = 0; i < 17; i++) {
      // A model counts its construction as its call 0.
      const base = i === 0 ? 0 : 1;
      const twice = [[[["x", 0, 0, {}]]], [[["m", base, 0, {}]]]].flat();
      const layers = [inputOf("x", [null, 3]), { ...inner, name: "m", inbound_nodes: twice }];
      const config = { name: "m", layers, input_layers: [["x", 0, 0]], output_layers: [["m", base + 1, 0]] };
      inner = { class_name: "Functional", config };
    }
    const wanted = className === "Conv9D" ? /does not support: Conv9D/ : /wanted at most 100000 layers/;
    expect(() => importModel(artifacts(inner))).toThrow(wanted);
  });
});

test("options that are left out have the defaults of tfjs", () => {
  const topology = sequential([
    layer("BatchNormalization", "bn", first),
    layer("LeakyReLU", "l"),
    layer("ThresholdedReLU", "t"),
    layer("ELU", "e"),
    layer("Softmax", "s"),
  ]);
  const shape = [3];
  const weights = {
    "bn/gamma": shape,
    "bn/beta": shape,
    "bn/moving_mean": shape,
    "bn/moving_variance": shape,
  };
  const made = artifacts(topology, weights);
  new Float32Array(made.weightData.buffer).set([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]);
  const graph = importModel(made);
  const scale = [1, 2, 3].map((gamma, i) => gamma / Math.sqrt([0, 1, 2][i] + 1e-3));
  expect(graph.weights.get("bn/scale")?.data).toEqual(Float32Array.from(scale));
  const offset = scale.map((value, i) => [4, 5, 6][i] - [7, 8, 9][i] * value);
  expect(graph.weights.get("bn/offset")?.data).toEqual(Float32Array.from(offset));
  expect(graph.nodes.slice(1).map(({ attrs }) => attrs)).toEqual([
    { fn: "leakyRelu", alpha: 0.3 },
    { fn: "thresholdedRelu", theta: 1 },
    { fn: "elu", alpha: 1 },
    { axis: -1 },
  ]);
});

test("a model that hands on its input", () => {
  const topology = sequential([layer("InputLayer", "x", first), layer("Dropout", "d", { rate: 0.5 })]);
  const graph = importModel(artifacts(topology));
  expect(graph.outputs).toEqual([{ name: "d", value: "x" }]);
  expect(evaluate(graph, { x: [1, 2, 3] })).toEqual({ d: [1, 2, 3] });
});

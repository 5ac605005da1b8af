/** What a GraphDef asks for and pare has not, all at once; what is no GraphDef. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel, type ModelArtifacts, UnsupportedError } from "../../src/graph/index.js";
import { expectSameAsTfjs, float, GraphDef, image, integers, text, window } from "./graph-model.js";

beforeAll(() => tf.setBackend("cpu"));

describe("what pare has not", () => {
  function unsupported(def: GraphDef, parts: Partial<ModelArtifacts> = {}): readonly string[] {
    try {
      importModel(def.artifacts(parts));
    } catch (error) {
      if (error instanceof UnsupportedError) return error.what;
      throw error;
    }
    return [];
  }

  test("all of it at once, each once, and only what the outputs need", () => {
    const def = new GraphDef();
    const x = def.input("x", image);
    const conv = def.node(
      "c",
      "Conv2D",
      [x, def.weight("k", [1, 1, 3, 1])],
      window([1, 1], "SAME", { data_format: text("NCDHW") }),
    );
    const odd = def.node("n", "NonMaxSuppressionV5", [conv]);
    def.node("t", "UniqueV2", [def.node("m", "NonMaxSuppressionV5", [odd])]);
    def.node("dead", "While", [x]);
    const signature = { outputs: { y: { name: "t:0" } } };
    expect(unsupported(def, { signature })).toEqual([
      "Conv2D: data_format NCDHW",
      "NonMaxSuppressionV5",
      "UniqueV2",
    ]);
  });

  test("what only shapes and constants show, from every branch", () => {
    const def = new GraphDef();
    const x = def.input("x", image);
    def.node("a", "Reshape", [x, def.sizes("flat", [-1, 3])]);
    def.node("b", "Transpose", [x, def.sizes("perm", [3, 1, 2, 0])]);
    def.node("after", "Relu", [def.node("c", "Mean", [x, def.sizes("batch", [0])])]);
    def.node("d", "Sin", [x]);
    def.node("e", "ConcatV2", [x, x, def.sizes("axis", 0)]);
    expect(unsupported(def)).toEqual([
      "Reshape: [null, 7, 9, 3] to [-1, 3]",
      "Mean: axis 0, the batch",
      "Sin",
      "ConcatV2: axis 0, the batch",
      "output b: [3, 7, 9, null], the batch not first",
    ]);
  });

  test("what constants alone may be given, in one list with the rest", () => {
    const def = new GraphDef();
    const x = def.input("x", image);
    def.node("a", "Where", [x]);
    const chain = def.node("s", "Sin", [def.node("e", "Cos", [x])]);
    def.node("b", "Tan", [chain]);
    const size = def.node("f", "Cast", [def.node("shape", "Shape", [def.node("foo", "Foo", [x])])]);
    def.node("root", "Rsqrt", [size]);
    def.node("mean", "Mean", [x, def.sizes("batch", [0])]);
    def.node("l", "Log", [def.node("made", "Multinomial", [def.sizes("to", [2]), def.weight("one", [])])]);
    expect(unsupported(def)).toEqual([
      "Where",
      "Cos",
      "Sin",
      "Tan",
      "Foo",
      "Mean: axis 0, the batch",
      "Multinomial",
    ]);
  });

  test("paddings and frames by other words, or none", () => {
    const def = new GraphDef();
    const x = def.input("x", image);
    def.node("conv", "Conv2D", [x, def.weight("k", [1, 1, 3, 1])], window([1, 1], "WEIRD"));
    def.node("pool", "MaxPool", [x], { strides: integers(1, 1, 1, 1), ksize: integers(1, 2, 2, 1) });
    const transposed = [def.sizes("to", [1, 8, 8, 3]), def.weight("t", [1, 1, 3, 3]), x];
    def.node("up", "Conv2DBackpropInput", transposed, window([1, 1], "FULL"));
    const pads = def.weightless("p", [4, 2], [0, 0, 1, 1, 1, 1, 0, 0]);
    def.node("mirror", "MirrorPad", [x, pads], { mode: text("CONSTANT") });
    expect(unsupported(def)).toEqual([
      "Conv2D: padding weird",
      "MaxPool: padding none",
      "Conv2DBackpropInput: padding full",
      "MirrorPad: mode constant",
    ]);
  });

  test("before what does not hold together", () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, -1, 9, 3]);
    def.node("a", "Where", [x]);
    def.node("e", "Sin", [def.node("mean", "Mean", [def.input("y", image), def.sizes("axes", 7)])]);
    def.input("words", [-1], "DT_STRING");
    def.node("lost", "Relu", ["y:3"]);
    expect(unsupported(def)).toEqual(["Placeholder: dtype DT_STRING", "Where", "Sin"]);
  });

  test("an open size, and how to give it", () => {
    const def = new GraphDef();
    def.node("y", "Relu", [def.input("x", [-1, -1, 9, 3])]);
    expect(() => importModel(def.artifacts())).toThrow('give the sizes: inputShapes: { "x": [size, 9, 3] }');
    const graph = importModel(def.artifacts(), { inputShapes: { x: [7, 9, 3] } });
    expect(graph.inputs[0].shape).toEqual([null, 7, 9, 3]);
  });
});

test("sizes that a node leaves open are those of the signature", () => {
  const def = new GraphDef();
  def.node("y", "Relu", [def.input("x", [-1, -1, 9, -1])]);
  const shapeOf = (...sizes: number[]) => {
    const tensorShape = { dim: sizes.map((size) => ({ size: `${size}` })) };
    const signature = { inputs: { image: { name: "x:0", tensorShape } } };
    return importModel(def.artifacts({ signature })).inputs[0].shape;
  };
  expect(shapeOf(-1, 7, -1, 3)).toEqual([null, 7, 9, 3]);
  expect(shapeOf(-1, 7, 8, 3)).toEqual([null, 7, 9, 3]);
  expect(() => shapeOf(-1, 7, -1, -1)).toThrow('inputShapes: { "image": [7, 9, size] }');
  expect(() => shapeOf(-1, 7)).toThrow('inputShapes: { "image": [size, 9, size] }');
});

describe("numbers that are not finite", () => {
  test.each([Number.NaN, Infinity])("%s in a weight is refused by node, role and place", (value) => {
    const def = new GraphDef();
    const kernel = def.weight("w", [2, 2], [1, 2, value, 4]);
    def.node("y", "MatMul", [def.input("x", [-1, 2]), kernel]);
    const message = `y: wanted a finite kernel, got ${value} at 2 of w`;
    expect(() => importModel(def.artifacts())).toThrow(message);
  });

  test("a variance below 0", () => {
    const def = new GraphDef();
    const parts = ["gamma", "beta", "mean"].map((role) => def.weight(role, [3]));
    const variance = def.weight("variance", [3], [1, -1, 1]);
    def.node("bn", "FusedBatchNorm", [def.input("x", image), ...parts, variance]);
    expect(() => importModel(def.artifacts())).toThrow("bn: wanted a finite scale, got NaN at 1");
  });

  test("limits and masks may be infinite", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 3]);
    def.node("clip", "ClipByValue", [x, def.weight("low", [], [0]), def.weight("high", [], [Infinity])]);
    def.node("y", "Softmax", [def.node("masked", "Add", [x, def.weight("mask", [3], [0, -Infinity, 0])])]);
    await expectSameAsTfjs(def);
  });
});

describe("what is no GraphDef", () => {
  const relu = (input: readonly string[]) => ({ name: "y", op: "Relu", input, attr: float });
  test.each<[string, unknown, typeof Error, RegExp]>([
    ["no nodes", {}, TypeError, /modelTopology.node: wanted an array/],
    ["a node that is none", { node: [3] }, TypeError, /node: wanted an object, got 3/],
    ["a name twice", { node: [relu(["y"]), relu(["y"])] }, RangeError, /node y: wanted it once/],
    [
      "a cycle",
      {
        node: [relu(["z"]), { name: "z", op: "Relu", input: ["y"] }, { name: "o", op: "Relu", input: ["z"] }],
      },
      RangeError,
      /part of a cycle/,
    ],
    ["a node that is not there", { node: [relu(["nix"])] }, RangeError, /node y reads nix, which is no node/],
    [
      "an output that is not there",
      {
        node: [
          {
            name: "x",
            op: "Placeholder",
            attr: { shape: { shape: { dim: [{ size: "1" }, { size: "2" }] } } },
          },
          relu(["x:3"]),
        ],
      },
      RangeError,
      /node y: reads x:3, which nothing makes/,
    ],
    [
      "a Const without its weight",
      { node: [{ name: "c", op: "Const" }, relu(["c"])] },
      RangeError,
      /node c: the model has no weight/,
    ],
    ["no input of an op", { node: [relu([])] }, RangeError, /Relu wants 1 to 1 inputs, got 0/],
  ])("%s", (_what, modelTopology, type, message) => {
    const artifacts = { format: "graph-model", modelTopology, weightSpecs: [], weightData: new Uint8Array() };
    expect(() => importModel(artifacts)).toThrow(type);
    expect(() => importModel(artifacts)).toThrow(message);
  });

  test.each([-5, 4])("axis %i of four", (axis) => {
    const def = new GraphDef();
    def.node("mean", "Mean", [def.input("x", image), def.sizes("axes", [1, axis])]);
    expect(() => importModel(def.artifacts())).toThrow(`node mean: wanted an axis from -4 to 3, got ${axis}`);
  });

  test("strides of 0", () => {
    const def = new GraphDef();
    def.node("c", "Conv2D", [def.input("x", image), def.weight("k", [1, 1, 3, 1])], window([0, 1], "VALID"));
    expect(() => importModel(def.artifacts())).toThrow(/strides wants a list of 2 integers of at least 1/);
  });

  test("a chain of 50,000 nodes", () => {
    const def = new GraphDef();
    let last = def.input("x", [-1, 2]);
    for (let i = 0; i < 50_000; i++) last = def.node(`n${i}`, "Relu", [last]);
    expect(importModel(def.artifacts()).nodes.length).toBe(50_000);
  });
});

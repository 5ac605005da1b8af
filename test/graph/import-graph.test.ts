/** GraphDefs against tfjs, op by op. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel, simplify } from "../../src/graph/index.js";
import {
  expectSameAsTfjs,
  GraphDef,
  image,
  integers,
  type Json,
  text,
  texts,
  window,
} from "./graph-model.js";

beforeAll(() => tf.setBackend("cpu"));

describe("products", () => {
  test.each<[string, readonly [number, number], readonly [number, number]]>([
    ["VALID", [1, 1], [1, 1]],
    ["SAME", [2, 2], [1, 1]],
    ["SAME", [1, 1], [2, 2]],
  ])("convolutions, %s, strides %j, dilations %j", async (padding, strides, dilations) => {
    const def = new GraphDef();
    const attr = window(strides, padding, { dilations: integers(1, ...dilations, 1) });
    const x = def.input("x", image);
    const conv = def.node("conv", "Conv2D", [x, def.weight("k", [3, 2, 3, 4])], attr);
    const biased = def.node("biased", "BiasAdd", [conv, def.weight("b", [4])]);
    const relu = def.node("relu", "Relu6", [biased]);
    def.node("depthwise", "DepthwiseConv2dNative", [relu, def.weight("dk", [2, 2, 4, 2])], attr);
    const graph = await expectSameAsTfjs(def);
    expect(graph.nodes.map(({ op }) => op)).toEqual(["conv2d", "add", "unary", "depthwiseConv2d"]);
  });

  test.each(["Relu", "Relu6", "Elu", "Sigmoid", "LeakyRelu", "Prelu", ""])("fused with %s", async (name) => {
    const def = new GraphDef();
    const fused = {
      fused_ops: texts("BiasAdd", ...(name ? [name] : [])),
      leakyrelu_alpha: { f: 0.3 },
      num_args: { i: name === "Prelu" ? "2" : "1" },
    };
    const attr = window([1, 1], "SAME", { ...fused, dilations: integers(1, 1, 1, 1) });
    const slopes = (key: string, n: number) => (name === "Prelu" ? [def.weight(key, [n])] : []);
    const conv = def.node(
      "conv",
      "_FusedConv2D",
      [def.input("x", image), def.weight("k", [3, 3, 3, 4]), def.weight("b", [4]), ...slopes("s", 4)],
      attr,
    );
    const kernel = def.weight("dk", [3, 3, 4, 1]);
    const more = () => [def.weight("db", [4]), ...slopes("ds", 4)];
    // tfjs forgets the slope of a fused leaky relu here, and computes NaN.
    const depthwise =
      name === "LeakyRelu"
        ? def.node("depthwise", "DepthwiseConv2dNative", [conv, kernel], { ...attr, fused_ops: texts() })
        : def.node("depthwise", "FusedDepthwiseConv2dNative", [conv, kernel, ...more()], attr);
    const flat = def.node("flat", "Reshape", [depthwise, def.sizes("to", [-1, 7 * 9 * 4])]);
    def.node(
      "dense",
      "_FusedMatMul",
      [flat, def.weight("w", [7 * 9 * 4, 5]), def.weight("wb", [5]), ...slopes("ws", 5)],
      { ...fused, transpose_a: { b: false }, transpose_b: { b: false } },
    );
    await expectSameAsTfjs(def, 2, 1e-4);
  });

  test("explicit padding", async () => {
    const def = new GraphDef();
    const attr = window([1, 2], "EXPLICIT", {
      explicit_paddings: integers(0, 0, 1, 2, 3, 0, 0, 0),
      dilations: integers(1, 1, 1, 1),
    });
    def.node("conv", "Conv2D", [def.input("x", image), def.weight("k", [3, 3, 3, 2])], attr);
    await expectSameAsTfjs(def);
  });

  test("batch normalization folds into the convolution before it", async () => {
    const def = new GraphDef();
    const conv = def.node(
      "conv",
      "Conv2D",
      [def.input("x", image), def.weight("k", [1, 1, 3, 2])],
      window([1, 1], "SAME", { dilations: integers(1, 1, 1, 1) }),
    );
    const parts = ["gamma", "beta", "mean"].map((role) => def.weight(role, [2]));
    def.node("bn", "FusedBatchNormV3", [conv, ...parts, def.weight("variance", [2], [0.5, 2])], {
      epsilon: { f: 0.001 },
      is_training: { b: false },
      data_format: text("NHWC"),
    });
    const graph = await expectSameAsTfjs(def);
    expect(graph.nodes.map(({ op }) => op)).toEqual(["conv2d", "affine"]);
  });

  test.each(["", "V2", "V3"])("FusedBatchNorm%s without epsilon", async (version) => {
    const def = new GraphDef();
    const parts = ["gamma", "beta", "mean"].map((role) => def.weight(role, [3]));
    def.node("bn", `FusedBatchNorm${version}`, [
      def.input("x", image),
      ...parts,
      def.weight("variance", [3], [1e-4, 0.5, 2]),
    ]);
    await expectSameAsTfjs(def);
  });

  test("transposed convolution, its size computed by the model", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4, 5, 3]);
    const shape = def.node("shape", "Shape", [x]);
    const zero = def.sizes("zero", [0]);
    const one = def.sizes("one", [1]);
    const batch = def.node("batch", "StridedSlice", [shape, zero, one, one], {
      shrink_axis_mask: { i: "1" },
    });
    const size = def.node("size", "Pack", [batch, def.sizes("h", 8), def.sizes("w", 15), def.sizes("c", 2)], {
      axis: { i: "0" },
    });
    def.node(
      "up",
      "Conv2DBackpropInput",
      [size, def.weight("k", [3, 4, 2, 3]), x],
      window([2, 3], "SAME", { dilations: integers(1, 1, 1, 1) }),
    );
    const graph = await expectSameAsTfjs(def);
    expect(graph.nodes.map(({ op }) => op)).toEqual(["convTranspose2d"]);
  });

  test("matrix products, of constants and of values", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 6]);
    const plain = def.node("plain", "MatMul", [x, def.weight("w", [6, 4])], {
      transpose_a: { b: false },
      transpose_b: { b: false },
    });
    def.node("flipped", "MatMul", [plain, def.weight("v", [3, 4])], {
      transpose_a: { b: false },
      transpose_b: { b: true },
    });
    const [a, b] = [def.input("a", [-1, 4, 5]), def.input("b", [-1, 3, 5])];
    def.node("batch", "BatchMatMulV2", [a, b], { adj_x: { b: false }, adj_y: { b: true } });
    await expectSameAsTfjs(def);
  });
});

describe("elements", () => {
  test.each([
    "Relu",
    "Relu6",
    "Elu",
    "Selu",
    "Sigmoid",
    "Tanh",
    "Softplus",
    "Softmax",
    "LogSoftmax",
    "Neg",
    "Square",
  ])("%s", async (op) => {
    const def = new GraphDef();
    def.node("y", op, [def.input("x", [-1, 4, 3])]);
    await expectSameAsTfjs(def);
  });

  test("LeakyRelu, Prelu, ClipByValue", async () => {
    const def = new GraphDef();
    const leaky = def.node("leaky", "LeakyRelu", [def.input("x", image)], { alpha: { f: 0.1 } });
    const prelu = def.node("prelu", "Prelu", [leaky, def.weight("alpha", [1, 1, 3])]);
    def.node("clip", "ClipByValue", [prelu, def.weight("low", [], [-0.2]), def.weight("high", [], [0.4])]);
    await expectSameAsTfjs(def);
  });

  const binary = ["Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference"];
  test.each(binary)("%s of values and constants, either side", async (op) => {
    const def = new GraphDef();
    const [x, y] = [def.input("x", [-1, 4, 3]), def.input("y", [-1, 1, 3])];
    def.node("values", op, [x, y]);
    def.node("vector", op, [x, def.weight("c", [3], [1, -2, 3])]);
    def.node("left", op, [def.weight("s", [], [2]), x]);
    def.node("batched", op, [x, def.weight("m", [1, 4, 1], [1, 2, 3, -4])]);
    def.node("larger", op, [
      y,
      def.weight(
        "l",
        [4, 3],
        Array.from({ length: 12 }, (_, i) => i + 1),
      ),
    ]);
    await expectSameAsTfjs(def);
  });

  test("AddN", async () => {
    const def = new GraphDef();
    const inputs = ["x", "y", "z"].map((name) => def.input(name, [-1, 3]));
    def.node("sum", "AddN", inputs);
    await expectSameAsTfjs(def);
  });

  test.each(["Mean", "Max", "Sum", "Min", "Prod"])("%s over axes", async (op) => {
    const def = new GraphDef();
    const x = def.input("x", image);
    def.node("pixels", op, [x, def.sizes("hw", [1, 2])], { keep_dims: { b: true } });
    def.node("gone", op, [x, def.sizes("last", [-1])], { keep_dims: { b: false } });
    def.node("scalar", op, [x, def.sizes("axis", 2)], {});
    await expectSameAsTfjs(def);
  });

  test.each(["MaxPool", "AvgPool"])("%s", async (op) => {
    const def = new GraphDef();
    const x = def.input("x", image);
    def.node("same", op, [x], window([2, 2], "SAME", { ksize: integers(1, 3, 2, 1) }));
    def.node("valid", op, [x], window([2, 1], "VALID", { ksize: integers(1, 2, 2, 1) }));
    await expectSameAsTfjs(def);
  });
});

describe("frames of max pools, as converters of PyTorch and ONNX write them", () => {
  const lowestF32 = -3.4028234663852886e38;
  const window3 = window([2, 2], "VALID", { ksize: integers(1, 3, 3, 1) });
  function framed(value: number, pads = [0, 0, 1, 1, 1, 2, 0, 0]) {
    const def = new GraphDef();
    const frame = [def.input("x", image), def.weightless("p", [4, 2], pads), def.weight("v", [], [value])];
    def.node("frame", "PadV2", frame);
    return def;
  }

  test.each([-Infinity, lowestF32, -1e30, -1e15])("%s", async (value) => {
    const def = framed(value);
    def.node("pool", "MaxPool", ["frame"], window3);
    const graph = simplify(await expectSameAsTfjs(def));
    expect(graph.nodes.map(({ op, attrs }) => [op, attrs.padding])).toEqual([["maxPool", [1, 1, 1, 2]]]);
  });

  test("read by two", async () => {
    const def = framed(lowestF32);
    def.node("pool", "MaxPool", ["frame"], window3);
    def.node("other", "MaxPool", ["frame"], window([1, 2], "VALID", { ksize: integers(1, 2, 3, 1) }));
    await expectSameAsTfjs(def);
  });

  test.each([-Infinity, lowestF32, 1e30])("%s that shows is refused by its node's name", (value) => {
    const message = `frame: value wants a number within 2^53 - 1, got ${Math.fround(value)}`;
    expect(() => importModel(framed(value).artifacts())).toThrow(message);
    const wide = framed(value, [0, 0, 0, 3, 0, 0, 0, 0]);
    wide.node("pool", "MaxPool", ["frame"], window3);
    expect(() => importModel(wide.artifacts())).toThrow(message);
  });
});

describe("moves", () => {
  test("reshapes: flatten, a size that follows, squeeze, expand", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4, 1, 6]);
    def.node("flat", "Reshape", [x, def.sizes("to", [-1, 24])]);
    def.node("one", "Reshape", [x, def.sizes("to2", [-1, 2, 12])]);
    def.node("squeezed", "Squeeze", [x], { squeeze_dims: integers(2) });
    def.node("expanded", "ExpandDims", [x, def.sizes("at", -2)]);
    def.node("ordered", "Transpose", [x, def.sizes("perm", [0, 3, 1, 2])]);
    await expectSameAsTfjs(def);
  });

  test("the flatten of Keras: shape, slice, pack", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 2, 3, 4]);
    const shape = def.node("shape", "Shape", [x]);
    const [zero, one] = [def.sizes("zero", [0]), def.sizes("one", [1])];
    const batch = def.node("batch", "StridedSlice", [shape, zero, one, one], {
      shrink_axis_mask: { i: "1" },
    });
    const rest = def.node("rest", "GatherV2", [shape, def.sizes("places", [1, 2]), def.sizes("axis", 0)]);
    const pixels = def.node("pixels", "Prod", [rest, def.sizes("all", [0])], { keep_dims: { b: false } });
    const target = def.node("target", "Pack", [batch, pixels, def.sizes("c", 4)], { axis: { i: "0" } });
    def.node("y", "Reshape", [x, target]);
    const graph = await expectSameAsTfjs(def);
    expect(graph.nodes.map(({ op, attrs }) => [op, attrs])).toEqual([["reshape", { shape: [null, 6, 4] }]]);
  });

  test("joins and parts", async () => {
    const def = new GraphDef();
    const [x, y] = [def.input("x", [-1, 4, 6]), def.input("y", [-1, 4, 2])];
    def.node("joined", "ConcatV2", [x, y, def.sizes("axis", -1)], { N: { i: "2" } });
    const split = def.node("split", "Split", [def.sizes("dim", 2), x], { num_split: { i: "3" } });
    def.node("parts", "AddV2", [`${split}:2`, split]);
    const sized = def.node("sized", "SplitV", [x, def.sizes("sizes", [1, -1, 2]), def.sizes("last", 2)], {
      num_split: { i: "3" },
    });
    def.node("middle", "Relu", [`${sized}:1`]);
    def.node("packed", "Pack", [x, x], { axis: { i: "1" } });
    const rows = def.node("rows", "Unpack", [x], { axis: { i: "1" }, num: { i: "4" } });
    def.node("third", "Relu", [`${rows}:2`]);
    await expectSameAsTfjs(def);
  });

  test("parts of numbers that no attribute says", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4, 6]);
    def.node("whole", "Relu", [def.node("split", "Split", [def.sizes("dim", 2), x])]);
    const rows = def.node("rows", "Unpack", [x], { axis: { i: "1" } });
    def.node("third", "Relu", [`${rows}:2`]);
    await expectSameAsTfjs(def);
  });

  test("slices", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 5, 6, 2]);
    def.node("part", "Slice", [x, def.sizes("from", [0, 1, 0, 1]), def.sizes("size", [-1, 3, -1, 1])]);
    const slice = (name: string, begin: number[], end: number[], strides: number[], masks: Json) =>
      def.node(
        name,
        "StridedSlice",
        [x, def.sizes(`${name}b`, begin), def.sizes(`${name}e`, end), def.sizes(`${name}s`, strides)],
        masks,
      );
    slice("every", [0, 0, 1], [0, 5, 6], [1, 2, 2], { begin_mask: { i: "1" }, end_mask: { i: "1" } });
    slice("tail", [0, -3], [0, 0], [1, 1], { begin_mask: { i: "1" }, end_mask: { i: "3" } });
    slice("one", [0, 2], [0, 3], [1, 1], {
      begin_mask: { i: "1" },
      end_mask: { i: "1" },
      shrink_axis_mask: { i: "2" },
    });
    slice("last", [0, -1], [0, 0], [1, 1], { ellipsis_mask: { i: "1" }, shrink_axis_mask: { i: "2" } });
    slice("back", [0, 4], [0, -6], [1, -2], { begin_mask: { i: "1" }, end_mask: { i: "1" } });
    await expectSameAsTfjs(def);
  });

  test("frames", async () => {
    const def = new GraphDef();
    const x = def.input("x", image);
    def.node("zeros", "Pad", [x, def.weightless("p", [4, 2], [0, 0, 1, 2, 0, 3, 0, 1])]);
    def.node("twos", "Pad", [x, "p"], { constant_value: { f: 2 } });
    def.node("ones", "PadV2", [x, "p", def.weight("v", [], [1.5])]);
    def.node("mirror", "MirrorPad", [x, def.weightless("q", [4, 2], [0, 0, 1, 2, 3, 0, 0, 0])], {
      mode: text("REFLECT"),
    });
    def.node("edge", "MirrorPad", [x, "q"], { mode: text("SYMMETRIC") });
    await expectSameAsTfjs(def);
  });

  test.each([
    [false, false],
    [true, false],
    [false, true],
  ])("resizes, corners %s, centers %s", async (corners, centers) => {
    const def = new GraphDef();
    const x = def.input("x", image);
    const attr = { align_corners: { b: corners }, half_pixel_centers: { b: centers } };
    for (const op of ["ResizeBilinear", "ResizeNearestNeighbor"]) {
      for (const [i, size] of [
        [14, 18],
        [3, 20],
        [1, 4],
      ].entries()) {
        def.node(`${op}${i}`, op, [x, def.sizes(`${op}${i}s`, size)], attr);
      }
    }
    await expectSameAsTfjs(def);
  });

  test("gathers, depth and space", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4, 6, 8]);
    def.node("places", "GatherV2", [x, def.sizes("i", [3, 0, 0, 2]), def.sizes("axis", 1)]);
    def.node("place", "GatherV2", [x, def.sizes("j", 1), def.sizes("last", -1)]);
    def.node("space", "DepthToSpace", [x], { block_size: { i: "2" }, data_format: text("NHWC") });
    await expectSameAsTfjs(def);
  });
});

test("weights that the model prepares: a batch norm in pieces", async () => {
  const def = new GraphDef();
  const x = def.input("x", image);
  const variance = def.weight("variance", [3], [1, 2, 3]);
  const safe = def.node("safe", "AddV2", [variance, def.weight("eps", [], [0.001])]);
  const scale = def.node("scale", "Mul", [def.node("root", "Rsqrt", [safe]), def.weight("gamma", [3])]);
  const shift = def.node("shift", "Sub", [
    def.weight("beta", [3]),
    def.node("m", "Mul", [def.weight("mean", [3]), scale]),
  ]);
  def.node("y", "AddV2", [def.node("scaled", "Mul", [x, scale]), shift]);
  const graph = await expectSameAsTfjs(def);
  expect(graph.nodes.map(({ op }) => op)).toEqual(["multiply", "add"]);
});

describe("weights as files have them", () => {
  test.each(["float16", "uint8", "uint16"])("%s", (stored) => {
    const def = new GraphDef();
    def.node("y", "MatMul", [def.input("x", [-1, 2]), def.weight("w", [2, 1])]);
    const quantization = { dtype: stored, ...(stored === "float16" ? {} : { scale: 0.5, min: -1 }) };
    const weightData =
      stored === "uint8"
        ? Uint8Array.of(0, 6)
        : new Uint8Array(
            Uint16Array.of(stored === "float16" ? 0x3c00 : 0, stored === "float16" ? 0x4000 : 6).buffer,
          );
    const graph = importModel(
      def.artifacts({ weightSpecs: [{ ...def.specs[0], quantization }], weightData }),
    );
    expect(graph.weights.get("w")?.data).toEqual(Float32Array.from(stored === "float16" ? [1, 2] : [-1, 2]));
  });
});

describe("names", () => {
  const def = new GraphDef();
  const x = def.input("serving_default_x", [1, 3]);
  def.node("relu", "Relu", [x]);
  def.node("Identity", "Identity", ["relu", "^init"]);
  def.node("Identity_1", "Identity", [x]);
  def.node("init", "NoOp", []);

  test("without a signature: those of nodes that nothing reads", () => {
    const graph = importModel(def.artifacts());
    expect(graph.inputs).toEqual([{ name: "serving_default_x", shape: [null, 3] }]);
    expect(graph.outputs).toEqual([
      { name: "Identity", value: "relu" },
      { name: "Identity_1", value: "serving_default_x" },
    ]);
  });

  test("of the signature, in its order", () => {
    const signature = {
      inputs: { image: { name: "serving_default_x:0", dtype: "DT_FLOAT" } },
      outputs: { "Identity_1:0": { name: "Identity_1:0" }, scores: { name: "Identity:0" } },
    };
    const graph = importModel(def.artifacts({ signature }));
    expect(graph.inputs.map(({ name }) => name)).toEqual(["image"]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["Identity_1", "scores"]);
  });

  test("of the signature in the metadata, where there is one", () => {
    const outputs = { scores: { name: "Identity:0" } };
    const signature = { outputs: { other: { name: "Identity_1:0" } } };
    const names = (userDefinedMetadata: object) =>
      importModel({ ...def.artifacts({ signature }), userDefinedMetadata }).outputs.map(({ name }) => name);
    expect(names({ signature: { outputs } })).toEqual(["scores"]);
    expect(names({ author: "someone" })).toEqual(["other"]);
  });

  test("without a format", () => {
    const { format: _format, ...artifacts } = def.artifacts();
    expect(importModel(artifacts).outputs.length).toBe(2);
  });
});

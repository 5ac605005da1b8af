/** Ops of GraphDefs that choose, repeat, order and count, against tfjs. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel, simplify, UnsupportedError } from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { expectSameAsTfjs, float, GraphDef, image, integers, text, window } from "./graph-model.js";

beforeAll(() => tf.setBackend("cpu"));

const real = { DstT: { type: "DT_FLOAT" } };
const pads = (...values: number[]) => values;

describe("places of the largest", () => {
  test.each(["ArgMax", "ArgMin"])("%s along any axis, the first of equal ones", async (op) => {
    const def = new GraphDef();
    const few = def.node("few", "Round", [def.input("x", [-1, 4, 3])]);
    for (const axis of [1, -1]) {
      const y = def.node(`y${axis}`, op, [few, def.sizes(`axis${axis}`, axis)]);
      def.node(`real${axis}`, "Cast", [y], real);
    }
    await expectSameAsTfjs(def);
  });

  test.each([1, 3, 6])("TopKV2 of %i, some of them equal", async (k) => {
    const def = new GraphDef();
    const few = def.node("few", "Round", [def.node("x2", "Add", [def.input("x", [-1, 2, 6]), "x"])]);
    const top = def.node("top", "TopKV2", [few, def.sizes("k", k)], { sorted: { b: true } });
    def.node("values", "Relu", [`${top}:0`]);
    def.node("indices", "Cast", [`${top}:1`], real);
    await expectSameAsTfjs(def);
  });

  test("OneHot along an axis, of other numbers", async () => {
    const def = new GraphDef();
    const few = def.node("few", "Round", [
      def.node("more", "Abs", [def.node("x2", "Mul", [def.input("x", [-1, 4]), def.weight("two", [], [2])])]),
    ]);
    const words = def.node("words", "Cast", [few], { DstT: { type: "DT_INT32" } });
    const [on, off] = [def.weight("on", [], [1]), def.weight("off", [], [0])];
    def.node("last", "OneHot", [words, def.sizes("depth", 6), on, off], { axis: { i: "-1" } });
    const [high, low] = [def.weight("high", [], [3]), def.weight("low", [], [-2])];
    const other = def.node("other", "OneHot", [words, def.sizes("depth5", 5), high, low], {
      axis: { i: "-1" },
    });
    def.node("real", "Cast", [other], real);
    await expectSameAsTfjs(def);
  });
});

describe("sums of all before", () => {
  for (const op of ["Cumsum", "Cumprod"]) {
    for (const exclusive of [false, true]) {
      for (const reverse of [false, true]) {
        test(`${op} exclusive ${exclusive} reverse ${reverse}`, async () => {
          const def = new GraphDef();
          const attr = { exclusive: { b: exclusive }, reverse: { b: reverse } };
          const x = def.input("x", [-1, 5, 3]);
          def.node("first", op, [x, def.sizes("one", 1)], attr);
          def.node("last", op, [x, def.sizes("end", 2)], attr);
          await expectSameAsTfjs(def);
        });
      }
    }
  }
});

describe("repeats and choices", () => {
  test("Tile, BroadcastTo, ReverseV2", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 2, 3]);
    def.node("tiled", "Tile", [x, def.sizes("times", [1, 3, 2])]);
    const one = def.node("one", "Sum", [x, def.sizes("axis", [1])], { keep_dims: { b: true } });
    const shape = def.node("shape", "Shape", [x]);
    def.node("wide", "BroadcastTo", [one, shape]);
    def.node("turned", "ReverseV2", [x, def.sizes("back", [1, -1])]);
    await expectSameAsTfjs(def);
  });

  test("GatherV2 of several places at once, GatherNd of a table", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4, 3]);
    def.node("square", "GatherV2", [x, def.weightless("i", [2, 2], [3, 0, 1, 1]), def.sizes("axis", 1)]);
    def.node("single", "GatherV2", [x, def.sizes("j", 2), def.sizes("last", -1)]);
    const cell = def.node("cell", "Cast", [def.node("abs", "Abs", [def.input("y", [-1, 5, 2])])], {
      DstT: { type: "DT_INT32" },
    });
    def.node("named", "GatherNd", [def.weight("table", [2, 2, 4]), cell]);
    def.node("whole", "GatherNd", [def.weight("cube", [2, 2]), cell]);
    await expectSameAsTfjs(def);
  });

  test("rows of a table of pictures", async () => {
    const def = new GraphDef();
    const which = def.node("which", "Cast", [def.node("abs", "Abs", [def.input("x", [-1, 2])])], {
      DstT: { type: "DT_INT32" },
    });
    def.node("y", "GatherV2", [def.weight("table", [4, 2, 3]), which, def.sizes("axis", 0)]);
    def.node("numbers", "GatherV2", [def.weight("list", [4]), which, def.sizes("axis0", 0)]);
    await expectSameAsTfjs(def);
  });

  test("what is known is chosen, joined and cut while importing", async () => {
    const def = new GraphDef();
    const table = def.weight("table", [4, 3]);
    const rows = def.node("rows", "GatherV2", [table, def.sizes("i", [2, 0]), def.sizes("axis", 0)]);
    const both = def.node("both", "ConcatV2", [
      rows,
      def.node("t", "Transpose", [def.weight("u", [3, 2]), def.sizes("p", [1, 0])]),
      def.sizes("axis0", 0),
    ]);
    const cut = def.node("cut", "StridedSlice", [
      both,
      def.sizes("b", [1, 0]),
      def.sizes("e", [4, 3]),
      def.sizes("s", [2, 1]),
    ]);
    const tiled = def.node("tiled", "Tile", [cut, def.sizes("times", [1, 2])]);
    const mean = def.node("mean", "Mean", [tiled, def.sizes("axis1", [0])]);
    const dense = def.node("dense", "SparseToDense", [
      def.weightless("places", [2, 1], [1, 4]),
      def.sizes("size", [6]),
      def.weight("set", [2]),
      def.weight("rest", [], [0.5]),
    ]);
    const range = def.node("range", "Range", [
      def.weight("from", [], [0]),
      def.weight("to", [], [6]),
      def.weight("by", [], [1]),
    ]);
    const cos = def.node("cos", "Cos", [def.node("scaled", "Mul", [range, dense])]);
    def.node("y", "AddV2", [def.input("x", [-1, 6]), def.node("sum", "AddV2", [mean, cos])]);
    const graph = await expectSameAsTfjs(def);
    expect(graph.nodes.map(({ op }) => op)).toEqual(["add"]);
  });

  test("a constant joined to every sample", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4, 3]);
    const shape = def.node("shape", "Shape", [x]);
    const [zero, one] = [def.sizes("zero", [0]), def.sizes("one", [1])];
    const batch = def.node("batch", "StridedSlice", [shape, zero, one, one], {
      shrink_axis_mask: { i: "1" },
    });
    const wide = def.node("wide", "Pack", [batch, def.sizes("n", 1), def.sizes("c", 3)], {});
    const token = def.node("token", "BroadcastTo", [def.weight("class", [1, 1, 3]), wide]);
    def.node("y", "ConcatV2", [token, x, def.sizes("axis", 1)]);
    await expectSameAsTfjs(def);
  });

  // tfjs reads one number for both sides of the band, leaves an axis of OneHot out, and repeats matrices out of order.
  describe("where tfjs is not TensorFlow", () => {
    const x = Array.from({ length: 12 }, (_, i) => i + 1);

    test("MatrixBandPart of a mask", () => {
      const def = new GraphDef();
      const ones = def.node("ones", "Fill", [def.sizes("size", [3, 4]), def.weight("one", [], [1])]);
      const band = def.node("band", "MatrixBandPart", [ones, def.sizes("low", -1), def.sizes("high", 1)]);
      def.node("y", "Mul", [def.input("x", [-1, 3, 4]), band]);
      const wanted = [1, 2, 0, 0, 5, 6, 7, 0, 9, 10, 11, 12];
      expect(evaluate(importModel(def.artifacts()), { x }).y).toEqual(wanted);
    });

    test("OneHot along the middle", () => {
      const def = new GraphDef();
      const [on, off] = [def.weight("on", [], [1]), def.weight("off", [], [0])];
      def.node("y", "OneHot", [def.input("x", [-1, 2]), def.sizes("depth", 3), on, off], {
        axis: { i: "1" },
      });
      expect(evaluate(importModel(def.artifacts()), { x: [2, 0] }).y).toEqual([0, 1, 0, 0, 1, 0]);
    });

    test("BatchMatMulV2 with a matrix for every two", () => {
      const def = new GraphDef();
      def.node("y", "BatchMatMulV2", [def.input("x", [-1, 2, 1, 2]), def.input("z", [-1, 1, 2, 1])]);
      const { y } = evaluate(importModel(def.artifacts()), {
        x: [1, 2, 3, 4, 5, 6, 7, 8],
        z: [1, 10, 100, 1000],
      });
      expect(y).toEqual([21, 43, 6500, 8700]);
    });
  });

  test("UnsupportedError for more than it can do", () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 100]);
    def.node("t", "TopKV2", [x, def.sizes("k", 65)]);
    expect(() => importModel(def.artifacts())).toThrow(UnsupportedError);
    const huge = new GraphDef();
    const sizes = huge.sizes("size", [100_000, 100_000]);
    huge.node("y", "Add", [
      huge.input("x", [-1, 1]),
      huge.node("f", "Fill", [sizes, huge.weight("v", [], [1])]),
    ]);
    expect(() => importModel(huge.artifacts())).toThrow(
      "node f: wanted a constant of at most 16777216 numbers",
    );
  });
});

describe("channels first", () => {
  const attr = (strides: readonly [number, number], padding: string, more = {}) => ({
    strides: integers(1, 1, ...strides),
    padding: text(padding),
    data_format: text("NCHW"),
    dilations: integers(1, 1, 1, 1),
    ...more,
  });

  /** The same net with its channels last, between transposes; tfjs has few ops with channels first. */
  test("a net of convolutions, bias, pool and normalization", async () => {
    const nets = [true, false].map((isFirst) => {
      const def = new GraphDef();
      const form = (strides: readonly [number, number], padding: string, more = {}) =>
        isFirst
          ? attr(strides, padding, more)
          : window(strides, padding, { dilations: integers(1, 1, 1, 1), ...more });
      const layout = { data_format: text(isFirst ? "NCHW" : "NHWC") };
      const given = def.input("x", [-1, 3, 7, 9]);
      const x = isFirst ? given : def.node("in", "Transpose", [given, def.sizes("last", [0, 2, 3, 1])]);
      const conv = def.node("conv", "Conv2D", [x, def.weight("k", [3, 2, 3, 4])], form([2, 1], "SAME"));
      const bias = def.node("bias", "BiasAdd", [conv, def.weight("b", [4])], layout);
      const relu = def.node("relu", "Relu", [bias]);
      const depthwise = def.node(
        "dw",
        "DepthwiseConv2dNative",
        [relu, def.weight("dk", [3, 3, 4, 1])],
        form([1, 1], "VALID"),
      );
      const parts = ["gamma", "beta", "mean"].map((role) => def.weight(role, [4]));
      const norm = def.node(
        "bn",
        "FusedBatchNormV3",
        [depthwise, ...parts, def.weight("var", [4], [1, 2, 0.5, 1])],
        { ...layout, is_training: { b: false } },
      );
      const ksize = isFirst ? integers(1, 1, 2, 2) : integers(1, 2, 2, 1);
      const pool = def.node("pool", "MaxPool", [norm], form([1, 2], "VALID", { ksize }));
      const end = isFirst ? pool : def.node("out", "Transpose", [pool, def.sizes("first", [0, 3, 1, 2])]);
      def.node("flat", "Reshape", [end, def.sizes("to", [-1, 4 * 1 * 3])]);
      return def;
    });
    const [first] = nets;
    const wanted = await expectSameAsTfjs(nets[1]);
    const graph = importModel(first.artifacts());
    // One way in and one way out: nothing is turned between layers.
    const count = (each: typeof graph) => simplify(each).nodes.filter(({ op }) => op === "transpose").length;
    expect(count(graph)).toBe(2);
    const ops = (each: Pick<typeof graph, "nodes">) =>
      each.nodes.map(({ op, attrs, inputs }) => ({ op, attrs, inputs: inputs.length }));
    expect(ops(graph)).toEqual(ops(wanted));
  });

  test("Conv2D as tfjs has it", async () => {
    const def = new GraphDef();
    const conv = def.node(
      "conv",
      "Conv2D",
      [def.input("x", [-1, 3, 7, 9]), def.weight("k", [3, 2, 3, 4])],
      attr([1, 1], "SAME"),
    );
    def.node("mean", "Mean", [conv, def.sizes("hw", [2, 3])]);
    await expectSameAsTfjs(def);
  });
});

describe("dilation by SpaceToBatchND", () => {
  test.each([false, true])("a convolution, bias %s, between ways there and back", async (hasBias) => {
    const def = new GraphDef();
    const x = def.input("x", image);
    const block = def.sizes("block", [2, 3]);
    const there = def.node("there", "SpaceToBatchND", [
      x,
      block,
      def.weightless("pads", [2, 2], pads(2, 3, 3, 6)),
    ]);
    const conv = def.node(
      "conv",
      "Conv2D",
      [there, def.weight("k", [3, 3, 3, 4])],
      window([1, 1], "VALID", { dilations: integers(1, 1, 1, 1) }),
    );
    const more = hasBias
      ? def.node("relu", "Relu", [def.node("bias", "BiasAdd", [conv, def.weight("b", [4])])])
      : conv;
    def.node("back", "BatchToSpaceND", [more, block, def.weightless("crops", [2, 2], pads(0, 1, 0, 3))]);
    const graph = simplify(await expectSameAsTfjs(def));
    const convs = graph.nodes.filter(({ op }) => op === "conv2d");
    expect(convs.map(({ attrs }) => attrs.dilations)).toEqual([[2, 3]]);
    expect(graph.nodes.map(({ op }) => op)).toEqual(["conv2d"]);
  });

  test("of sequences, causal, as Keras writes Conv1D", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 9, 3]);
    const framed = def.node("framed", "Pad", [x, def.weightless("left", [3, 2], [0, 0, 4, 0, 0, 0])]);
    const block = def.sizes("block", [2]);
    const there = def.node("there", "SpaceToBatchND", [
      framed,
      block,
      def.weightless("pads", [1, 2], [0, 1]),
    ]);
    const wide = def.node("wide", "ExpandDims", [there, def.sizes("at", -3)]);
    const conv = def.node(
      "conv",
      "Conv2D",
      [wide, def.weight("k", [1, 3, 3, 4])],
      window([1, 1], "VALID", { dilations: integers(1, 1, 1, 1) }),
    );
    const flat = def.node("flat", "Squeeze", [conv], { squeeze_dims: integers(-3) });
    def.node("back", "BatchToSpaceND", [flat, block, def.weightless("crops", [1, 2], [0, 1])]);
    await expectSameAsTfjs(def);
  });

  test("what mixes samples is refused", () => {
    const def = new GraphDef();
    const there = def.node("there", "SpaceToBatchND", [
      def.input("x", [-1, 4, 4, 1]),
      def.sizes("block", [2, 2]),
      def.weightless("pads", [2, 2], [0, 0, 0, 0]),
    ]);
    def.node("y", "Mean", [there, def.sizes("axes", [1, 2])], float);
    expect(() => importModel(def.artifacts())).toThrow("SpaceToBatchND before Mean");
  });
});

describe("products of two values", () => {
  test("of matrices that repeat, and of a constant on the left", async () => {
    const def = new GraphDef();
    const [a, b] = [def.input("a", [-1, 2, 4, 5]), def.input("b", [-1, 2, 5, 3])];
    def.node("repeats", "BatchMatMulV2", [a, b]);
    def.node("left", "BatchMatMulV2", [def.weight("c", [6, 4]), a]);
    def.node("right", "BatchMatMulV2", [a, def.weight("d", [2, 5, 3])]);
    await expectSameAsTfjs(def);
  });

  const equations: readonly (readonly [string, readonly number[], readonly number[], boolean])[] = [
    ["abc,cde->abde", [3, 4], [4, 2, 5], true],
    ["abcd,cde->abe", [3, 2, 5], [2, 5, 4], true],
    ["aecd,abcd->acbe", [3, 2, 4], [5, 2, 4], false],
    ["acbe,aecd->abcd", [2, 5, 3], [3, 2, 4], false],
    ["bij,bjk->bik", [3, 4], [4, 2], false],
    ["bij,jk->bki", [3, 4], [4, 2], true],
  ];
  test.each(equations)("Einsum %s", async (equation, a, b, isKnown) => {
    const def = new GraphDef();
    const second = isKnown ? def.weight("w", b) : def.input("b", [-1, ...b]);
    def.node("y", "Einsum", [def.input("a", [-1, ...a]), second], {
      equation: text(equation),
      N: { i: "2" },
    });
    await expectSameAsTfjs(def);
  });
});

describe("normalizations as models write them out", () => {
  const norm = (def: GraphDef, x: string, axes: readonly number[]) => {
    const over = def.sizes("axes", axes);
    const keep = { keep_dims: { b: true } };
    const mean = def.node("mean", "Mean", [x, over], keep);
    const variance = def.node(
      "variance",
      "Mean",
      [def.node("square", "SquaredDifference", [x, mean]), over],
      keep,
    );
    const root = def.node("root", "Rsqrt", [
      def.node("more", "AddV2", [variance, def.weight("eps", [], [1e-3])]),
    ]);
    return def.node("normal", "Mul", [def.node("centred", "Sub", [x, mean]), root]);
  };

  test("instance norm", async () => {
    const def = new GraphDef();
    def.node("y", "Mul", [norm(def, def.input("x", image), [1, 2]), def.weight("gamma", [3])]);
    await expectSameAsTfjs(def);
  });

  test("group norm", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4, 5, 6]);
    const groups = def.node("groups", "Reshape", [x, def.sizes("to", [-1, 4, 5, 3, 2])]);
    const back = def.node("back", "Reshape", [
      norm(def, groups, [1, 2, 4]),
      def.sizes("from", [-1, 4, 5, 6]),
    ]);
    def.node("y", "AddV2", [back, def.weight("beta", [6])]);
    await expectSameAsTfjs(def);
  });

  test("L2 norm", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 7]);
    const sum = def.node("sum", "Sum", [def.node("square", "Square", [x]), def.sizes("axis", -1)], {
      keep_dims: { b: true },
    });
    const bound = def.node("bound", "Maximum", [sum, def.weight("eps", [], [1e-12])]);
    def.node("y", "Mul", [x, def.node("root", "Rsqrt", [bound])]);
    await expectSameAsTfjs(def);
  });
});

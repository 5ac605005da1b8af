/** Functions of numbers, comparisons and choices in GraphDefs, against tfjs. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { expectSameAsTfjs, GraphDef } from "./graph-model.js";

beforeAll(() => tf.setBackend("cpu"));

/** |x| + 0.1 of a value, for functions that want it. */
const above = (def: GraphDef, x: string) =>
  def.node(`${x}/above`, "AddV2", [def.node(`${x}/abs`, "Abs", [x]), def.weight(`${x}/tenth`, [], [0.1])]);

const anywhere = ["Abs", "Ceil", "Erf", "Exp", "Expm1", "Floor", "Round", "Sign", "Sinh", "Cosh", "Asinh"];
const positive = ["Log", "Log1p", "Sqrt", "Rsqrt", "Reciprocal"];

describe("functions of one number", () => {
  test.each([...anywhere, "IsNan", "IsFinite", "IsInf"])("%s of any number", async (op) => {
    const def = new GraphDef();
    const wide = def.node("wide", "Mul", [def.input("x", [-1, 4, 3]), def.weight("three", [], [3])]);
    def.node("y", op, [wide]);
    await expectSameAsTfjs(def);
  });

  test.each(positive)("%s of numbers above 0, and of a constant", async (op) => {
    const def = new GraphDef();
    const x = above(def, def.input("x", [-1, 4, 3]));
    const known = def.node("known", op, [def.weight("c", [3], [0.5, 1, 7])]);
    def.node("sum", "AddV2", [def.node("y", op, [x]), known]);
    await expectSameAsTfjs(def);
  });

  test("Atanh between -1 and 1, Acosh above 1", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 5]);
    def.node("atanh", "Atanh", [def.node("third", "Mul", [x, def.weight("c", [], [0.3])])]);
    def.node("acosh", "Acosh", [def.node("more", "AddV2", [above(def, x), def.weight("one", [], [1])])]);
    await expectSameAsTfjs(def);
  });

  test("Round goes to the even of two", async () => {
    const def = new GraphDef();
    const halves = def.weight("halves", [6], [0.5, 1.5, 2.5, -0.5, -1.5, -2.5]);
    const zero = def.node("zero", "Mul", [def.input("x", [-1, 6]), def.weight("none", [], [0])]);
    def.node("y", "Round", [def.node("sum", "AddV2", [zero, halves])]);
    await expectSameAsTfjs(def);
  });
});

describe("functions of two numbers", () => {
  const ops = [
    "FloorDiv",
    "FloorMod",
    "Mod",
    "DivNoNan",
    "Greater",
    "GreaterEqual",
    "Less",
    "LessEqual",
    "Equal",
    "NotEqual",
  ];
  test.each(ops)("%s of values and constants, either side", async (op) => {
    const def = new GraphDef();
    // Whole numbers, of which some are equal, none 0.
    const whole = (name: string, shape: readonly number[]) => {
      const half = def.node(`${name}/floor`, "Floor", [def.input(name, shape)]);
      const isZero = def.node(
        `${name}/zero`,
        "Cast",
        [def.node(`${name}/eq`, "Equal", [half, def.weight(`${name}/0`, [], [0])])],
        {
          SrcT: { type: "DT_BOOL" },
          DstT: { type: "DT_FLOAT" },
        },
      );
      return def.node(`${name}/whole`, "AddV2", [half, isZero]);
    };
    const [x, y] = [whole("x", [-1, 4, 3]), whole("y", [-1, 1, 3])];
    const outputs = [
      def.node("values", op, [x, y]),
      def.node("vector", op, [x, def.weight("c", [3], [1, -2, 1])]),
      def.node("left", op, [def.weight("s", [], [2]), x]),
      def.node("larger", op, [y, def.weight("l", [4, 3], [1, 2, -1, -2, 1, 1, 2, 2, 3, -1, -1, 1])]),
    ];
    for (const each of outputs) def.node(`${each}/real`, "Cast", [each], { DstT: { type: "DT_FLOAT" } });
    await expectSameAsTfjs(def);
  });

  test("DivNoNan by 0", async () => {
    const def = new GraphDef();
    def.node("y", "DivNoNan", [def.input("x", [-1, 3]), def.weight("d", [3], [0, 2, 0])]);
    await expectSameAsTfjs(def);
  });

  test.each([2, 3, -1, 0, 0.5, -0.5, 1.7, 17])("Pow %d", async (exponent) => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4]);
    const base = Number.isInteger(exponent) && exponent >= 0 ? x : above(def, x);
    def.node("y", "Pow", [base, def.weight("e", [], [exponent])]);
    await expectSameAsTfjs(def, 2, 1e-4);
  });

  test("Pow of values, of a negative number, and of a number", async () => {
    const def = new GraphDef();
    const [x, y] = [def.input("x", [-1, 4]), def.input("y", [-1, 4])];
    def.node("both", "Pow", [above(def, x), y]);
    def.node("whole", "Pow", [x, def.node("floor", "Floor", [above(def, y)])]);
    def.node("grown", "Pow", [def.weight("two", [], [2]), y]);
    def.node("vector", "Pow", [above(def, def.input("z", [-1, 3])), def.weight("e", [3], [1, 2.5, -2])]);
    await expectSameAsTfjs(def);
  });

  test("quotients of integers are cut", async () => {
    const def = new GraphDef();
    const cast = { SrcT: { type: "DT_FLOAT" }, DstT: { type: "DT_INT32" } };
    const ten = def.node("ten", "Mul", [def.input("x", [-1, 5]), def.weight("t", [], [10])]);
    const whole = def.node("whole", "Cast", [ten], cast);
    const y = def.node("y", "RealDiv", [whole, def.sizes("three", 3)], { T: { type: "DT_INT32" } });
    def.node("real", "Cast", [y], { SrcT: { type: "DT_INT32" }, DstT: { type: "DT_FLOAT" } });
    await expectSameAsTfjs(def);
  });
});

describe("booleans", () => {
  const bools = (def: GraphDef) =>
    ["x", "y"].map((name) =>
      def.node(`${name}/is`, "Greater", [def.input(name, [-1, 7]), def.weight(`${name}/0`, [], [0])]),
    );

  test.each(["LogicalAnd", "LogicalOr"])("%s, LogicalNot", async (op) => {
    const def = new GraphDef();
    def.node("y1", "LogicalNot", [def.node("both", op, bools(def))]);
    await expectSameAsTfjs(def);
  });

  test.each(["Select", "SelectV2"])("%s guards against what is no number", async (op) => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4]);
    const isMore = def.node("more", "Greater", [x, def.weight("zero", [], [0])]);
    const log = def.node("log", "Log", [x]);
    def.node("guarded", op, [isMore, log, x]);
    if (op === "SelectV2") def.node("number", op, [isMore, x, def.weight("c", [], [0.5])]);
    if (op === "SelectV2") {
      const bits = def.weightless("bits", [1, 4], [1, 0, 1, 0]);
      const known = def.node("known", "Cast", [bits], {
        SrcT: { type: "DT_INT32" },
        DstT: { type: "DT_BOOL" },
      });
      def.node("masked", op, [known, x, log]);
    }
    const graph = await expectSameAsTfjs(def);
    expect(graph.nodes.some(({ op: each }) => each === "mask")).toBe(true);
  });

  test("All and Any along an axis", async () => {
    const def = new GraphDef();
    const is = def.node("is", "Less", [def.input("x", [-1, 4, 3]), def.weight("one", [], [1])]);
    def.node("all", "All", [is, def.sizes("a", [1])]);
    def.node("any", "Any", [is, def.sizes("b", [2])], { keep_dims: { b: true } });
    await expectSameAsTfjs(def);
  });
});

describe("Cast", () => {
  const to = (from: string, type: string) => ({ SrcT: { type: from }, DstT: { type } });

  test("to int32 cuts, to bool says whether it is 0", async () => {
    const def = new GraphDef();
    const x = def.node("x5", "Mul", [def.input("x", [-1, 9]), def.weight("five", [], [5])]);
    const whole = def.node("whole", "Cast", [x], to("DT_FLOAT", "DT_INT32"));
    def.node("y", "Cast", [whole], to("DT_INT32", "DT_FLOAT"));
    const bool = def.node("bool", "Cast", [whole], to("DT_INT32", "DT_BOOL"));
    def.node("z", "Cast", [bool], to("DT_BOOL", "DT_FLOAT"));
    await expectSameAsTfjs(def);
  });

  test("before the rows of a table it is none: they are cut to whole numbers anyway", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 5]);
    const words = def.node("words", "Mul", [def.node("abs", "Abs", [x]), def.weight("three", [], [3])]);
    const cast = def.node("cast", "Cast", [words], to("DT_FLOAT", "DT_INT32"));
    const rows = def.node("rows", "GatherV2", [def.weight("table", [7, 3]), cast, def.sizes("axis", 0)]);
    def.node("mean", "Mean", [rows, def.sizes("one", [1])]);
    const graph = await expectSameAsTfjs(def);
    expect(graph.nodes.map(({ op }) => op)).toEqual(["unary", "multiply", "embedding", "reduce"]);
  });
});

describe("BiasAdd, AddN, Prelu of values", () => {
  test("slopes that are a value", async () => {
    const def = new GraphDef();
    def.node("y", "Prelu", [def.input("x", [-1, 4]), def.input("alpha", [-1, 4])]);
    await expectSameAsTfjs(def);
  });

  test("one input", async () => {
    const def = new GraphDef();
    def.node("y", "Relu", [def.node("sum", "AddN", [def.input("x", [-1, 4])])]);
    await expectSameAsTfjs(def);
  });

  test("a bias of channels that come first", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 3, 4, 5]);
    const last = def.node("last", "Transpose", [x, def.sizes("perm", [0, 2, 3, 1])]);
    const sum = def.node("sum", "BiasAdd", [last, def.weight("b", [3])]);
    def.node("y", "Transpose", [sum, def.sizes("back", [0, 3, 1, 2])]);
    const graph = await expectSameAsTfjs(def);
    // There and back is nowhere.
    expect(graph.nodes.map(({ op }) => op)).toEqual(["add"]);
  });
});

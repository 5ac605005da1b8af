/** Swish, hard-swish and gelu as models write them out become one function. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { fuseGates, type Graph, simplify } from "../../src/graph/index.js";
import { expectSameAsTfjs, GraphDef } from "./graph-model.js";

beforeAll(() => tf.setBackend("cpu"));

type Build = (def: GraphDef, x: string, number: (value: number) => string) => string;

const forms: Readonly<Record<string, readonly [fn: string, build: Build]>> = {
  "x sigmoid(x)": ["swish", (def, x) => def.node("end", "Mul", [x, def.node("gate", "Sigmoid", [x])])],
  "sigmoid(x) x": ["swish", (def, x) => def.node("end", "Mul", [def.node("gate", "Sigmoid", [x]), x])],
  "x (relu6(x + 3) / 6)": [
    "hardSwish",
    (def, x, number) => {
      const gate = def.node("gate", "Relu6", [def.node("sum", "AddV2", [x, number(3)])]);
      return def.node("end", "Mul", [x, def.node("sixth", "RealDiv", [gate, number(6)])]);
    },
  ],
  "(x relu6(x + 3)) (1 / 6)": [
    "hardSwish",
    (def, x, number) => {
      const gate = def.node("gate", "Relu6", [def.node("sum", "AddV2", [number(3), x])]);
      return def.node("end", "Mul", [def.node("product", "Mul", [x, gate]), number(1 / 6)]);
    },
  ],
  "((1 / 6) x) relu6(x + 3)": [
    "hardSwish",
    (def, x, number) => {
      const gate = def.node("gate", "Relu6", [def.node("sum", "AddV2", [x, number(3)])]);
      return def.node("end", "Mul", [def.node("sixth", "Mul", [number(1 / 6), x]), gate]);
    },
  ],
  "x / 2 (1 + erf(x / sqrt 2))": [
    "gelu",
    (def, x, number) => {
      const erf = def.node("erf", "Erf", [def.node("root", "RealDiv", [x, number(Math.SQRT2)])]);
      const half = def.node("half", "Mul", [x, number(0.5)]);
      return def.node("end", "Mul", [half, def.node("gate", "AddV2", [erf, number(1)])]);
    },
  ],
  "a value that is scaled for both sides": [
    "swish",
    (def, x, number) => {
      const twice = def.node("twice", "Mul", [x, number(2)]);
      return def.node("end", "Mul", [twice, def.node("gate", "Sigmoid", [twice])]);
    },
  ],
};

const functions = (graph: Graph) =>
  graph.nodes.filter(({ op }) => op === "unary").map(({ attrs }) => attrs.fn);

function build(make: Build): GraphDef {
  const def = new GraphDef();
  let count = 0;
  const x = def.node("bounded", "Mul", [def.input("x", [-1, 3, 4]), def.weight("five", [], [5])]);
  make(def, x, (value) => def.weight(`c${count++}`, [], [value]));
  return def;
}

test.each([1 / 6, 0.16662598, 0.3])("x relu6(x + 3) %d has that slope", async (slope) => {
  const make: Build = (def, x, number) => {
    const gate = def.node("gate", "Relu6", [def.node("sum", "AddV2", [x, number(3)])]);
    return def.node("end", "Mul", [def.node("product", "Mul", [x, number(slope)]), gate]);
  };
  const { nodes } = simplify(await expectSameAsTfjs(build(make)));
  const [{ attrs }] = nodes.filter(({ op }) => op === "unary");
  expect(attrs).toEqual({ fn: "hardSwish", ...(slope !== 1 / 6 && { slope: Math.fround(slope) }) });
});

test.each(Object.entries(forms))("%s", async (_what, [fn, make]) => {
  const graph = await expectSameAsTfjs(build(make));
  expect(functions(simplify(graph))).toEqual([fn]);
});

describe("other products stay", () => {
  const others: Readonly<Record<string, Build>> = {
    "another value's gate": (def, x) =>
      def.node("end", "Mul", [x, def.node("gate", "Sigmoid", [def.node("neg", "Neg", [x])])]),
    "another number": (def, x, number) => {
      const gate = def.node("gate", "Relu6", [def.node("sum", "AddV2", [x, number(2)])]);
      return def.node("end", "Mul", [def.node("product", "Mul", [x, gate]), number(1 / 6)]);
    },
    "a number for each channel": (def, x) => {
      const gate = def.node("gate", "Relu6", [
        def.node("sum", "AddV2", [x, def.weight("threes", [4], [3, 3, 3, 2])]),
      ]);
      return def.node("end", "Mul", [
        def.node("product", "Mul", [x, gate]),
        def.weight("sixth", [], [1 / 6]),
      ]);
    },
  };
  test.each(Object.entries(others))("%s", async (_what, make) => {
    const graph = await expectSameAsTfjs(build(make));
    expect(fuseGates(graph)).toBe(graph);
  });

  test("a product that others read too is one of its own slope", async () => {
    const def = build(forms["(x relu6(x + 3)) (1 / 6)"][1]);
    def.node("other", "Relu", ["product"]);
    const { nodes } = simplify(await expectSameAsTfjs(def));
    expect(nodes.flatMap(({ attrs }) => attrs.slope ?? [])).toEqual([1]);
  });
});

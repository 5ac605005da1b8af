import { describe, expect, test } from "vitest";
import {
  consumers,
  formatShape,
  GraphError,
  inferShapes,
  isValueShape,
  outputValues,
  parameterCount,
  sameShape,
  sizeOf,
  soleConsumers,
  UnsupportedError,
  weightsOf,
  withNodes,
} from "../../src/graph/index.js";
import { f32, graphOf, node } from "./helpers.js";

const relu = (name: string, input: string) => node(name, "unary", input, { attrs: { fn: "relu" } });

// x -> a -> b, c; c is an output, and so is x
const graph = graphOf({
  nodes: [relu("a", "x"), relu("b", "a"), relu("c", "a"), relu("d", "c"), relu("e", "b")],
  outputs: [
    { name: "y", value: "c" },
    { name: "z", value: "e" },
  ],
});
const [a, b, c, d, e] = graph.nodes;

test("consumers: nodes in order, once each, none for what nobody reads", () => {
  const twice = node("f", "unary", ["e", "e"], { attrs: { fn: "relu" } });
  const readers = consumers(withNodes(graph, { nodes: [...graph.nodes, twice] }));
  expect(Object.fromEntries(readers)).toEqual({
    x: [a],
    a: [b, c],
    b: [e],
    c: [d],
    d: [],
    e: [twice],
    f: [],
  });
});

test("soleConsumers: not of outputs, not of what two read", () => {
  expect(Object.fromEntries(soleConsumers(graph))).toEqual({ x: a, b: e });
  expect([...outputValues(graph)]).toEqual(["c", "e"]);
});

describe("shapes", () => {
  test("the batch counts as 1", () => {
    expect(sizeOf([null, 28, 28])).toBe(784);
    expect(sizeOf([null])).toBe(1);
    expect(sizeOf([])).toBe(1);
    expect(sizeOf(new Array(40).fill(2 ** 53))).toBe(Infinity);
  });

  test("as text", () => expect(formatShape([null, 2])).toBe("[null, 2]"));

  test("the same", () => {
    expect(sameShape([null, 2], [null, 2])).toBe(true);
    expect(sameShape([null, 2], [null, 2, 1])).toBe(false);
    expect(sameShape([null, 2], [2, 2])).toBe(false);
  });

  test("of values", () => {
    expect(isValueShape([null, 1, 2, 3, 4, 5, 6, 7])).toBe(true);
    const not = [
      [null, 1, 2, 3, 4, 5, 6, 7, 8],
      [2],
      [null, null],
      [null, 0],
      [null, -1],
      [null, 1.5],
      [],
      null,
      "null",
    ];
    for (const shape of not) expect(isValueShape(shape)).toBe(false);
  });
});

describe("withNodes", () => {
  test("drops the u7 parameters of values that are gone, adds weights to those there are", () => {
    const before = graphOf({
      nodes: [a],
      weights: { v: f32([1], [1]) },
      quant: { x: { scale: 1, zero: 1 }, a: { scale: 2, zero: 2 } },
    });
    const after = withNodes(before, { nodes: [relu("n", "x")], weights: new Map([["w", f32([1], [2])]]) });
    expect([...after.quant.keys()]).toEqual(["x"]);
    expect([...after.weights.keys()]).toEqual(["v", "w"]);
    expect([...before.quant.keys(), ...before.weights.keys()]).toEqual(["x", "a", "v"]);
  });
});

test("parameterCount: shared weights once, tables and what no node reads not at all", () => {
  const weights = { k: f32([3, 3], new Array(9).fill(1)), spare: f32([5], [1, 2, 3, 4, 5]) };
  const table = { dtype: "u7", shape: [128], data: new Uint8Array(128) } as const;
  const dense = (name: string, input: string) =>
    node(name, "dense", input, { weights: { kernel: "k", table: "t" } });
  expect(
    parameterCount(graphOf({ nodes: [dense("p", "x"), dense("q", "p")], weights: { ...weights, t: table } })),
  ).toBe(9);
});

test("weightsOf leaves out what the graph has not", () => {
  const dense = node("p", "dense", "x", { weights: { kernel: "k", bias: "nix" } });
  expect(Object.keys(weightsOf(graphOf({ nodes: [dense], weights: { k: f32([1], [1]) } }), dense))).toEqual([
    "kernel",
  ]);
});

test("inferShapes refuses what it cannot follow", () => {
  const code = (nodes: Parameters<typeof graphOf>[0]["nodes"] = []) => {
    try {
      inferShapes(graphOf({ nodes }));
    } catch (error) {
      if (error instanceof GraphError) return error.code;
      throw error;
    }
    return undefined;
  };
  expect(code([relu("a", "x")])).toBeUndefined();
  expect(code([relu("a", "nix")])).toBe("graph-dangling");
  expect(code([node("a", "nix", "x")])).toBe("graph-op");
  expect(code([node("a", "reshape", "x", { attrs: { shape: [null, 2] } })])).toBe("graph-shape");
});

test("UnsupportedError lists each thing once, in order", () => {
  const error = new UnsupportedError(["B", "A", "B"]);
  expect(error.what).toEqual(["B", "A"]);
  expect(error.message).toBe("the model uses what pare does not support: B, A");
});

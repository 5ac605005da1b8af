import { expect, test } from "vitest";
import { joinNotes, namesOf } from "../../src/compress/index.js";
import { fuseResidual } from "../../src/graph/index.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

const attrs = { strides: [1, 1], dilations: [1, 1], padding: [0, 0, 0, 0] };
const conv = (name: string, input: string) =>
  node(name, "conv2d", input, { attrs, weights: { kernel: `${name}/kernel` } });
const kernel = f32([1, 1, 2, 2], noise(4));

const graph = graphOf({
  inputs: [{ name: "x", shape: [null, 3, 3, 2] }],
  nodes: [
    conv("a", "x"),
    conv("b", "a"),
    node("sum", "add", ["a", "b"]),
    node("twice", "add", ["sum", "sum"]),
    conv("c", "twice"),
  ],
  weights: { "a/kernel": kernel, "b/kernel": kernel, "c/kernel": kernel },
});

test("names of layers, and those that they have where all is f32", () => {
  expect([...namesOf(graph, ["a", "c", "b"])]).toEqual(["a", "c", "b"]);
  const fused = fuseResidual(graph).nodes.filter(({ op }) => op === "conv2d");
  expect(fused.map(({ name }) => name)).toEqual(["a", "sum", "c"]);
  expect([...namesOf(graph, ["a", "sum", "c"])]).toEqual(["a", "b", "c"]);
});

test.each(["twice", "x", "other", "constructor"])("no layer: %s", (name) => {
  expect(() => namesOf(graph, ["a", name])).toThrow(`keepF32: wanted names of layers (a, b, c), got ${name}`);
});

test("notes of one layer are joined in order", () => {
  const joined = joinNotes(new Map([["a", "one"]]), new Map([["b", "two"]]), new Map([["a", "three"]]));
  expect([...joined]).toEqual([
    ["a", "one; three"],
    ["b", "two"],
  ]);
});

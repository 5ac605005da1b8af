import { expect, test } from "vitest";
import { kernelNodes } from "../../src/compress/kernel-nodes.js";
import { splitActivations } from "../../src/compress/split.js";
import { checkGraph, freshName } from "../../src/graph/index.js";
import { evaluate } from "../graph/evaluate.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

const graph = graphOf({
  nodes: [
    node("a", "dense", "x", { weights: { kernel: "k" }, attrs: { activation: "leakyRelu", alpha: 0.2 } }),
    node("a/product", "dense", "a", { weights: { kernel: "k" } }),
    node("b", "dense", "a/product", { weights: { kernel: "k" }, attrs: { activation: "sigmoid" } }),
  ],
  weights: { k: f32([3, 3], noise(9)) },
});

test("a split graph computes the same and names what is before each activation", () => {
  const { graph: split, before } = splitActivations(graph, kernelNodes(graph));
  checkGraph(split);
  const x = noise(6, 3);
  expect(evaluate(split, { x })).toEqual(evaluate(graph, { x }));
  expect(Object.fromEntries(before)).toEqual({
    a: "a/product-2",
    "a/product": "a/product",
    b: "b/product",
  });
  expect(split.nodes.map(({ name, op }) => [name, op])).toEqual([
    ["a/product-2", "dense"],
    ["a", "unary"],
    ["a/product", "dense"],
    ["b/product", "dense"],
    ["b", "unary"],
  ]);
});

test("fresh names are fresh twice", () => {
  const names = new Set(["a"]);
  expect([freshName(names, "a"), freshName(names, "a"), freshName(names, "b")]).toEqual(["a-2", "a-3", "b"]);
});

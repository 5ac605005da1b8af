import { expect, test } from "vitest";
import { kernelNodes } from "../../src/compress/kernel-nodes.js";
import { refuseNotFinite } from "../../src/graph/index.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

function graphWith(kernel: ArrayLike<number>, bias: ArrayLike<number>) {
  return graphOf({
    nodes: [
      node("first", "dense", "x", { weights: { kernel: "k", bias: "b" } }),
      node("scaled", "affine", "first", { weights: { scale: "b", offset: "b" } }),
      node("second", "softmax", "scaled"),
    ],
    weights: { k: f32([3, 2], kernel), b: f32([2], bias) },
  });
}

test("finds the nodes with kernels, and how those lie", () => {
  const layers = kernelNodes(graphWith(noise(6), noise(2)));
  expect(layers.map(({ node: { name } }) => name)).toEqual(["first"]);
  expect(layers[0]).toMatchObject({ depth: 3, channels: 2, form: { taps: 1, inputs: 3, outputs: 2 } });
});

test("weights that are no numbers are refused by the name of the layer", () => {
  expect(() => refuseNotFinite(graphWith([1, 2, Number.NaN, 4, 5, 6], [1, 2]))).toThrow(
    "first: wanted a finite kernel, got NaN at 2",
  );
  expect(() => refuseNotFinite(graphWith(noise(6), [1, Infinity]))).toThrow(
    "first: wanted a finite bias, got Infinity at 1",
  );
});

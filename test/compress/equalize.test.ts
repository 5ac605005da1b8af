import { describe, expect, test } from "vitest";
import { equalizablePairs, equalize } from "../../src/compress/equalize.js";
import type { Graph } from "../../src/graph/index.js";
import { evaluate, evaluateAll } from "../graph/evaluate.js";
import { expectClose, f32, graphOf, node, noise } from "../graph/helpers.js";

const still = { strides: [1, 1], dilations: [1, 1], padding: [1, 1, 1, 1] };
const x = noise(6 * 6 * 3 * 2, 9);

/** conv -> pool -> depthwise -> conv -> mean -> dense, with channels of very different ranges. */
function net(activation = "relu", share = false): Graph {
  const spread = (shape: number[], seed: number) =>
    f32(
      shape,
      noise(
        shape.reduce((a, b) => a * b, 1),
        seed,
      ).map((value, i) => value * 8 ** (i % (shape.at(-1) as number))),
    );
  return graphOf({
    inputs: [{ name: "x", shape: [null, 6, 6, 3] }],
    nodes: [
      node("a", "conv2d", "x", { attrs: { ...still, activation }, weights: { kernel: "ka", bias: "ba" } }),
      node("p", "maxPool", "a", { attrs: { size: [2, 2], strides: [2, 2], padding: [0, 0, 0, 0] } }),
      node("d", "depthwiseConv2d", "p", { attrs: { ...still, activation }, weights: { kernel: "kd" } }),
      node("c", "conv2d", "d", { attrs: { ...still, activation }, weights: { kernel: "kc" } }),
      ...(share ? [node("e", "conv2d", "c", { attrs: still, weights: { kernel: "kc" } })] : []),
      node("m", "reduce", share ? "e" : "c", { attrs: { fn: "mean", axes: [1, 2] } }),
      node("y", "dense", "m", { weights: { kernel: "ky", bias: "by" } }),
    ],
    weights: {
      ka: spread([3, 3, 3, 4], 1),
      ba: f32([4], noise(4, 2)),
      kd: f32([3, 3, 4, 1], noise(36, 3)),
      kc: f32([3, 3, 4, 4], noise(144, 4)),
      ky: f32([4, 2], noise(8, 5)),
      by: f32([2], noise(2, 6)),
    },
  });
}

const rangesOf = (graph: Graph) => (value: string) => {
  const all = evaluateAll(graph, { x });
  const channels = 4;
  const largest = new Float64Array(channels);
  all.get(value)?.data.forEach((number, i) => {
    largest[i % channels] = Math.max(largest[i % channels], Math.abs(number));
  });
  return largest;
};
const spreadOf = (ranges: Float64Array) => Math.max(...ranges) / Math.min(...ranges);

test("pairs reach through pools and means, and end where a value has other readers", () => {
  const names = equalizablePairs(net()).map(({ before, after, value }) => [
    before.node.name,
    after.node.name,
    value,
  ]);
  expect(names).toEqual([
    ["a", "d", "p"],
    ["d", "c", "d"],
    ["c", "y", "m"],
  ]);
});

test("the results stay, channels come closer together, zeros stay where they are", () => {
  const graph = net();
  graph.weights.get("kc")?.data.fill(0, 0, 16);
  const pairs = equalizablePairs(graph);
  const equal = equalize(graph, pairs, rangesOf(graph));
  expectClose(evaluate(equal, { x }).y, evaluate(graph, { x }).y, 1e-4);
  const [before, after] = [graph, equal].map((each) => spreadOf(rangesOf(each)("p")));
  expect(before).toBeGreaterThan(50);
  expect(after).toBeLessThan(1.01);
  expect([...(equal.weights.get("kc")?.data ?? [])].slice(0, 16)).toEqual(new Array(16).fill(0));
});

describe("left alone", () => {
  test.each(["relu6", "tanh", "sigmoid"])("what does not scale along: %s", (activation) => {
    expect(equalizablePairs(net(activation)).map(({ before }) => before.node.name)).toEqual([]);
  });

  test("weights of two layers", () => {
    expect(equalizablePairs(net("relu", true)).map(({ before }) => before.node.name)).toEqual(["a"]);
  });

  test("cells that read their own results", () => {
    const graph = graphOf({
      inputs: [{ name: "x", shape: [null, 4, 3] }],
      nodes: [
        node("r", "simpleRnn", "x", {
          attrs: { activation: "relu" },
          weights: { kernel: "k", recurrent: "u" },
        }),
        node("y", "dense", "r", { weights: { kernel: "w" } }),
      ],
      weights: { k: f32([3, 4], noise(12)), u: f32([4, 4], noise(16)), w: f32([4, 2], noise(8)) },
    });
    expect(equalizablePairs(graph)).toEqual([]);
  });

  test("channels that are dead", () => {
    const graph = net();
    const equal = equalize(graph, equalizablePairs(graph), () => new Float64Array(4));
    expect(equal.weights.get("ka")?.data).toEqual(graph.weights.get("ka")?.data);
  });
});

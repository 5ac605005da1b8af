import { describe, expect, test } from "vitest";
import { equalize } from "../../src/compress/equalize.js";
import { equalizableLayers } from "../../src/compress/equalized-layers.js";
import { checkGraph, type Graph, type Node } from "../../src/graph/index.js";
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

const rangesOf =
  (graph: Graph, channels = 4) =>
  (value: string) => {
    const largest = new Float64Array(channels);
    evaluateAll(graph, { x })
      .get(value)
      ?.data.forEach((number, i) => {
        largest[i % channels] = Math.max(largest[i % channels], Math.abs(number));
      });
    return largest;
  };
const spreadOf = (ranges: Float64Array) => Math.max(...ranges) / Math.min(...ranges);

/** What reads what, as "before>value>after". */
const found = (graph: Graph) =>
  equalizableLayers(graph).flatMap(({ before, readers }) =>
    readers.map(({ after, value }) => `${before.node.name}>${value}>${after.node.name}`),
  );

test("layers reach through pools and means", () => {
  expect(found(net())).toEqual(["a>p>d", "d>d>c", "c>m>y"]);
});

test("the results stay, channels come closer together, zeros stay where they are", () => {
  const graph = net();
  graph.weights.get("kc")?.data.fill(0, 0, 16);
  const equal = equalize(graph, equalizableLayers(graph), rangesOf(graph));
  expectClose(evaluate(equal, { x }).y, evaluate(graph, { x }).y, 1e-4);
  const [before, after] = [graph, equal].map((each) => spreadOf(rangesOf(each)("p")));
  expect(before).toBeGreaterThan(50);
  expect(after).toBeLessThan(1.01);
  expect([...(equal.weights.get("kc")?.data ?? [])].slice(0, 16)).toEqual(new Array(16).fill(0));
});

/** A convolution whose channels are far apart, nodes, and a dense or convolutions that read the last of them. */
function between(nodes: readonly Node[], readers: readonly Node[]): Graph {
  const last = nodes.at(-1)?.name ?? "a";
  return graphOf({
    inputs: [{ name: "x", shape: [null, 6, 6, 3] }],
    nodes: [
      node("a", "conv2d", "x", {
        attrs: { ...still, activation: "relu" },
        weights: { kernel: "ka", bias: "ba" },
      }),
      ...nodes,
      ...readers.map((reader) => (reader.inputs[0] === "" ? { ...reader, inputs: [last] } : reader)),
    ],
    outputs: readers.map(({ name }) => ({ name, value: name })),
    weights: {
      ka: f32(
        [3, 3, 3, 4],
        noise(108, 1).map((value, i) => value * 8 ** (i % 4)),
      ),
      ba: f32([4], noise(4, 2)),
      alpha: f32([1, 1, 4], noise(4, 3)),
      one: f32([1, 1, 4, 2], noise(8, 4)),
      other: f32([3, 3, 4, 2], noise(72, 5)),
      twice: f32([8, 3], noise(24, 6)),
      flat: f32([36, 3], noise(108, 7)),
      four: f32([4, 2], noise(8, 9)),
      three: f32([1, 1, 3, 2], noise(6, 8)),
    },
  });
}
const op = (name: string, op: string, input: string, attrs: Node["attrs"] = {}, weights = {}) =>
  node(name, op, input, { attrs, weights });
const pool = (name: string, input: string) =>
  op(name, "maxPool", input, { size: [2, 2], strides: [2, 2], padding: [0, 0, 0, 0] });
const reshape = (name: string, input: string, ...sizes: readonly number[]) =>
  op(name, "reshape", input, { shape: [null, ...sizes] });
const pad = (name: string, input: string, pads: readonly number[], more = {}) =>
  op(name, "pad", input, { pads, ...more });
const part = (name: string, input: string, begin: readonly number[], size: readonly number[]) =>
  op(name, "slice", input, { begin, size, strides: [1, 1, 1] });
const conv = (name: string, input = "", kernel = "one") => op(name, "conv2d", input, still, { kernel });
const dense = (name: string, kernel: string) => op(name, "dense", "", {}, { kernel });
const frame = [1, 1, 0, 2, 0, 0];

test.each<[string, readonly Node[], readonly Node[], string[]]>([
  ["a pool and a flatten", [pool("p", "a"), reshape("f", "p", 36)], [dense("y", "flat")], ["a>f>y"]],
  ["pixels in pairs", [reshape("f", "a", 18, 8)], [dense("y", "twice")], ["a>f>y"]],
  ["a crop", [part("s", "a", [1, 0, 0], [4, 6, 4])], [conv("y")], ["a>s>y"]],
  ["a frame of zeros", [pad("p", "a", frame), pool("q", "p")], [conv("y")], ["a>q>y"]],
  ["a mirror", [pad("p", "a", frame, { mode: "reflect" })], [conv("y")], ["a>p>y"]],
  [
    "a larger picture",
    [op("r", "resize", "a", { size: [12, 9], method: "nearest" })],
    [conv("y")],
    ["a>r>y"],
  ],
  ["columns for rows", [op("t", "transpose", "a", { perm: [0, 2, 1, 3] })], [conv("y")], ["a>t>y"]],
  ["a prelu", [op("u", "prelu", "a", {}, { alpha: "alpha" })], [conv("y")], ["a>u>y"]],
  [
    "the largest of rows",
    [op("g", "reduce", "a", { fn: "max", axes: [1], keepDims: true })],
    [conv("y")],
    ["a>g>y"],
  ],
  ["two readers", [pool("p", "a")], [conv("y", "a"), conv("z", "p", "other")], ["a>p>z", "a>a>y"]],
])("the results stay: %s", (_what, nodes, readers, wanted) => {
  const graph = between(nodes, readers);
  checkGraph(graph);
  expect(found(graph)).toEqual(wanted);
  const channelsOf = (value: string) => (value === "f" ? rangesOf(graph, 36)(value) : rangesOf(graph)(value));
  const equal = equalize(graph, equalizableLayers(graph), channelsOf);
  const [got, expected] = [equal, graph].map((each) => evaluate(each, { x }));
  for (const { name } of graph.outputs) expectClose(got[name], expected[name], 1e-4);
  const [before, after] = [graph, equal].map((each) => spreadOf(rangesOf(each)("a")));
  expect(after).toBeLessThan(before / 4);
});

describe("left alone", () => {
  test.each<[string, readonly Node[], readonly Node[]]>([
    ["a part of the channels", [part("s", "a", [0, 0, 1], [6, 6, 3])], [conv("y", "", "three")]],
    [
      "channels among pixels",
      [op("t", "transpose", "a", { perm: [0, 3, 1, 2] }), reshape("f", "t", 36, 4)],
      [dense("y", "four")],
    ],
    ["a frame of ones", [pad("p", "a", frame, { value: 1 })], [conv("y")]],
    [
      "the largest channel",
      [op("g", "reduce", "a", { fn: "max", axes: [3] }), reshape("f", "g", 9, 4)],
      [dense("y", "four")],
    ],
    ["a reader that does not scale", [], [conv("y"), op("z", "unary", "a", { fn: "tanh" })]],
  ])("%s", (_what, nodes, readers) => {
    const graph = between(nodes, readers);
    checkGraph(graph);
    expect(found(graph)).toEqual([]);
  });

  test.each(["relu6", "tanh", "sigmoid"])("what does not scale along: %s", (activation) => {
    expect(found(net(activation))).toEqual([]);
  });

  test("weights of two layers", () => {
    expect(found(net("relu", true))).toEqual(["a>p>d"]);
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
    expect(found(graph)).toEqual([]);
  });

  test("channels that are alike", () => {
    const graph = between([], [conv("y")]);
    const equal = equalize(graph, equalizableLayers(graph), () => Float64Array.of(1, 1.1, 0.9, 1));
    expect([...equal.weights]).toEqual([...graph.weights]);
  });

  test("channels that are dead", () => {
    const graph = net();
    const equal = equalize(graph, equalizableLayers(graph), () => new Float64Array(4));
    expect(equal.weights.get("ka")?.data).toEqual(graph.weights.get("ka")?.data);
  });
});

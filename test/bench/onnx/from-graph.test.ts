import { describe, expect, test } from "vitest";
import { onnxFromGraph } from "../../../bench/onnx/from-graph.js";
import { joinPlanes } from "../../../bench/onnx/join-planes.js";
import { openOrt } from "../../../bench/ort.js";
import {
  checkGraph,
  type Graph,
  type Node,
  type QuantParams,
  type Weight,
  weightsOf,
} from "../../../src/graph/index.js";
import { evaluate } from "../../graph/evaluate.js";
import { expectClose, f32, graphOf, node, noise } from "../../graph/helpers.js";

/** Integers from -most to most. */
const integers = (length: number, most: number, seed: number) =>
  noise(length, seed).map((value) => Math.round(value * most));

const exact = (zero: number): QuantParams => ({ scale: 1, zero });
const valid = { strides: [1, 1], dilations: [1, 1], padding: [0, 0, 0, 0] };
const same = { ...valid, padding: [1, 1, 1, 1] };

/** A product of whole numbers: its weights as f32, and as s8 with the zero point of its input in the bias. */
function product(
  name: string,
  shape: readonly number[],
  channels: number,
  { scale: step, zero }: QuantParams,
  seed: number,
) {
  const length = shape.reduce((size, dim) => size * dim, 1);
  const kernel = integers(length, 1.2, seed);
  const bias = integers(channels, 4, seed + 1);
  const folded = Int32Array.from(bias, (value) => value / step);
  kernel.forEach((weight, i) => {
    folded[i % channels] -= zero * weight;
  });
  const scale = new Float32Array(channels).fill(1);
  return {
    real: { [name]: f32(shape, kernel), [`${name} bias`]: f32([channels], bias) },
    codes: {
      [name]: { dtype: "s8", shape, data: Int8Array.from(kernel), scale },
      [`${name} bias`]: { dtype: "i32", shape: [channels], data: folded },
    } as Record<string, Weight>,
  };
}

const weighted = (kernel: string) => ({ kernel, bias: `${kernel} bias` });

/** Every op that the bench's nets have, where all numbers are whole but the means: nothing is rounded. */
function net() {
  const quant = {
    ...{ x: exact(30), a: exact(0), b: exact(60), c: exact(60), d: exact(60), e: exact(60), f: exact(60) },
    ...{ h: { scale: 0.25, zero: 60 }, m: { scale: 0.125, zero: 60 } },
  };
  const parts = [
    product("first", [3, 3, 2, 4], 4, quant.x, 1),
    product("deep", [3, 3, 4, 2], 8, quant.a, 3),
    product("point", [1, 1, 8, 8], 8, quant.b, 5),
    product("head", [16, 3], 3, quant.f, 7),
    product("other", [8, 5], 5, quant.m, 9),
  ];
  const nodes = [
    node("a", "conv2d", "x", {
      attrs: { strides: [2, 1], dilations: [1, 2], padding: [1, 0, 2, 0], activation: "relu" },
      weights: weighted("first"),
    }),
    node("b", "depthwiseConv2d", "a", { attrs: same, weights: weighted("deep") }),
    node("c", "conv2d", "b", { attrs: valid, weights: weighted("point") }),
    node("d", "add", ["b", "c"], { attrs: { activation: "linear" } }),
    node("e", "maxPool", "d", { attrs: { size: [2, 3], strides: [2, 2], padding: [0, 0, 1, 0] } }),
    node("f", "reshape", "e", { attrs: { shape: [null, 16] } }),
    node("g", "dense", "f", { attrs: { activation: "relu" }, weights: weighted("head") }),
    node("h", "averagePool", "d", { attrs: { size: [2, 2], strides: [1, 2], padding: [0, 0, 0, 0] } }),
    node("m", "reduce", "d", { attrs: { fn: "mean", axes: [1, 2] } }),
    node("n", "dense", "m", { weights: weighted("other") }),
    node("o", "softmax", "n", { attrs: { axis: -1 } }),
  ];
  const outputs = ["a", "b", "d", "e", "g", "h", "m", "n", "o"].map((value) => ({
    name: `${value}!`,
    value,
  }));
  const inputs = [{ name: "x", shape: [null, 5, 6, 2] }];
  const base = { inputs, outputs, nodes };
  const weightsOf = (kind: "real" | "codes") => Object.assign({}, ...parts.map((part) => part[kind]));
  return {
    real: graphOf({ ...base, weights: weightsOf("real") }),
    codes: graphOf({ ...base, weights: weightsOf("codes"), quant }),
  };
}

test("a graph gives the numbers of plain loops in onnxruntime, in each of its outputs", async () => {
  const { real, codes } = net();
  checkGraph(codes);
  const x = integers(60, 2, 11);
  const session = await openOrt(codes, x);
  const got = await session.run();
  await session.dispose();
  const wanted = evaluate(real, { x });
  // Both signs, or zero points would not count.
  expect(Math.min(...wanted["d!"])).toBeLessThan(-10);
  expect(Math.max(...wanted["d!"])).toBeGreaterThan(10);
  for (const [at, { name }] of real.outputs.slice(0, -1).entries()) {
    expect([name, Array.from(got[at])]).toEqual([name, wanted[name]]);
  }
  expectClose(got[real.outputs.length - 1], wanted["o!"], 1e-6);
});

test("a value above the last code of 7 bits saturates half a step above it", async () => {
  const { codes } = net();
  // Values of a go to 6: the last code is 2.
  const narrow = { ...codes, quant: new Map(codes.quant).set("a", { scale: 2 / 127, zero: 0 }) };
  const session = await openOrt(narrow, integers(60, 2, 11));
  const [a] = await session.run();
  await session.dispose();
  expect(Math.max(...a)).toBeCloseTo((2 / 127) * 127.5, 6);
  expect(Math.min(...a)).toBe(0);
});

test("an input in two planes is read once", () => {
  const attrs = { ...valid, activation: "linear" };
  const nodes = [
    node("c/twice", "concat", ["x", "x"], { attrs: { axis: 3 } }),
    node("c/halves", "affine", "c/twice", { weights: { scale: "s", offset: "o" } }),
    node("c", "conv2d", "c/halves", { attrs, weights: { kernel: "k", bias: "b" } }),
  ];
  const [one, two] = [Int8Array.of(1, 2, 3, 4, 5, 6), Int8Array.of(-1, -2, -3, -4, -5, -6)];
  const scale = Float32Array.of(0.5, 0.25);
  const split = graphOf({
    inputs: [{ name: "x", shape: [null, 4, 4, 3] }],
    nodes,
    weights: {
      s: f32([6], new Array(6).fill(0.5)),
      o: f32(
        [6],
        [1, 1, 1, -1, -1, -1].map((sign) => sign / 16),
      ),
      k: { dtype: "s8", shape: [1, 2, 6, 2], data: Int8Array.of(...one, ...one, ...two, ...two), scale },
      b: { dtype: "i32", shape: [2], data: Int32Array.of(40, -7) },
    },
    quant: { "c/halves": { scale: 0.25, zero: 9 }, c: { scale: 1, zero: 3 } },
  });
  checkGraph(split);
  const joined = joinPlanes(split);
  checkGraph(joined);
  expect(joined.nodes).toHaveLength(1);
  expect(joined.nodes[0]).toMatchObject({ name: "c", op: "conv2d", inputs: ["x"], attrs });
  expect(joined.quant).toEqual(
    new Map([
      ["x", { scale: 0.5, zero: 9 }],
      ["c", { scale: 1, zero: 3 }],
    ]),
  );
  const { kernel, bias } = weightsOf(joined, joined.nodes[0]);
  expect(kernel).toEqual({ dtype: "s8", shape: [1, 2, 3, 2], data: Int8Array.of(...one, ...two), scale });
  // Steps of 0.25 * scale, then of 0.5 * scale: half as many, -3.5 rounded up.
  expect(bias).toEqual({ dtype: "i32", shape: [2], data: Int32Array.of(20, -3) });
  expect(joinPlanes(joined)).toBe(joined);
});

describe("refuses", () => {
  const refusal = (graph: Graph) => () => onnxFromGraph(graph);
  const changed = (name: string, change: Partial<Node>) => {
    const { codes } = net();
    return { ...codes, nodes: codes.nodes.map((one) => (one.name === name ? { ...one, ...change } : one)) };
  };

  test("an op that it has not", () => {
    const graph = changed("o", { op: "unary", attrs: { fn: "tanh" } });
    expect(refusal(graph)).toThrow(new RangeError("onnx: no int8 op for unary o of shape 1,5"));
  });

  test("a kernel of f32", () => {
    expect(refusal(net().real)).toThrow(RangeError);
    expect(refusal({ ...net().real, quant: net().codes.quant })).toThrow(
      new RangeError("onnx: wanted a kernel of s8 in a"),
    );
  });

  test("an activation that saturation does not do", () => {
    const attrs = { ...valid, activation: "relu" };
    expect(refusal(changed("c", { attrs }))).toThrow(
      new RangeError("onnx: no fused relu for c of scale 0.5, zero 120"),
    );
    const { codes } = net();
    const relu6 = changed("a", { attrs: { ...codes.nodes[0].attrs, activation: "relu6" } });
    expect(refusal(relu6)).toThrow(new RangeError("onnx: no fused relu6 for a of scale 0.5, zero 0"));
  });
});

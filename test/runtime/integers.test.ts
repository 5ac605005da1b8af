/**
 * Every op that runs in integers, by itself, on random shapes and random u7 parameters on both sides (zero points that
 * are not 0 above all): within a code of f64 from the same codes, the same bits in every variant and batch.
 */

import { expect, test } from "vitest";
import { kernelNodes } from "../../src/compress/index.js";
import { codeOf, realOf } from "../../src/compress/params.js";
import { quantizeLayer } from "../../src/compress/quantize-weights.js";
import { createRandom, type Random } from "../../src/data/index.js";
import {
  checkGraph,
  type Graph,
  GraphError,
  inferShapes,
  type Node,
  type QuantParams,
  sizeOf,
  type Weight,
} from "../../src/graph/index.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { createModel } from "../../src/runtime/index.js";
import { evaluate } from "../graph/evaluate.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";
import { variantsHere } from "../kernels/variants.js";
import { shipped } from "./shipped.js";

type Attrs = Node["attrs"];
type Make = (
  random: Random,
  channels: number,
) => {
  readonly op: string;
  readonly attrs: Attrs;
  /** Of the kernel; absent for ops without. */
  readonly kernel?: readonly number[];
  /** Pictures read; default one. */
  readonly inputs?: number;
  /** The result has the codes of the input. */
  readonly isSame?: boolean;
};

const upTo = (random: Random, least: number, most: number) => least + random.below(most - least + 1);
const pads = (random: Random) => Array.from({ length: 4 }, () => random.below(3));
const activations: readonly Attrs[] = [
  {},
  { activation: "relu" },
  { activation: "relu6" },
  { activation: "relu", maxValue: 0.7 },
];
const window = (random: Random): Attrs => ({
  strides: [upTo(random, 1, 3), upTo(random, 1, 3)],
  dilations: [upTo(random, 1, 2), upTo(random, 1, 2)],
  padding: pads(random),
});
const pool = (random: Random): Attrs => ({
  size: [upTo(random, 1, 3), upTo(random, 1, 3)],
  strides: [upTo(random, 1, 3), upTo(random, 1, 3)],
});

const ops: Readonly<Record<string, Make>> = {
  conv2d: (random, channels) => ({
    op: "conv2d",
    attrs: { ...window(random), ...activations[random.below(4)] },
    kernel: [upTo(random, 1, 4), upTo(random, 1, 4), channels, upTo(random, 1, 9)],
  }),
  // Most of them go by Winograd's algorithm where the binary is not the relaxed one.
  "conv2d 3 x 3": (random, channels) => ({
    op: "conv2d",
    attrs: { strides: [1, 1], dilations: [1, 1], padding: pads(random), ...activations[random.below(4)] },
    kernel: [3, 3, channels, upTo(random, 5, 20)],
  }),
  depthwiseConv2d: (random, channels) => ({
    op: "depthwiseConv2d",
    attrs: { ...window(random), ...activations[random.below(4)] },
    kernel: [upTo(random, 1, 5), upTo(random, 1, 5), channels, 1],
  }),
  "depthwise 3 x 3": (random, channels) => ({
    op: "depthwiseConv2d",
    attrs: { strides: [1, 1], dilations: [1, 1], padding: pads(random), ...activations[random.below(4)] },
    kernel: [3, 3, channels, 1],
  }),
  convTranspose2d: (random, channels) => {
    const strides = [upTo(random, 1, 3), upTo(random, 1, 3)];
    const outputPadding = strides.map((stride) => random.below(stride));
    const padding = [random.below(2), random.below(2), random.below(2), random.below(2)];
    return {
      op: "convTranspose2d",
      attrs: { strides, padding, outputPadding, ...activations[random.below(4)] },
      kernel: [upTo(random, 1, 4), upTo(random, 1, 4), channels, upTo(random, 1, 9)],
    };
  },
  maxPool: (random) => ({
    op: "maxPool",
    attrs: { ...pool(random), padding: [0, random.below(2), random.below(2), 0] },
    isSame: true,
  }),
  averagePool: (random) => ({ op: "averagePool", attrs: { ...pool(random), padding: [0, 0, 0, 0] } }),
  mean: () => ({ op: "reduce", attrs: { fn: "mean", axes: [1, 2] } }),
  add: (random) => ({ op: "add", attrs: activations[random.below(3)], inputs: 2 }),
  subtract: () => ({ op: "subtract", attrs: {}, inputs: 2 }),
  concat: () => ({ op: "concat", attrs: { axis: 3 }, inputs: 2, isSame: true }),
  pad: (random, channels) => ({
    op: "pad",
    attrs: { pads: [...pads(random), 0, 0], mode: "constant", value: random.below(2) ? 0 : channels / 10 },
    isSame: true,
  }),
  transpose: () => ({ op: "transpose", attrs: { perm: [0, 2, 1, 3] }, isSame: true }),
  resize: (random) => ({
    op: "resize",
    attrs: { size: [upTo(random, 1, 9), upTo(random, 1, 9)], method: "nearest" },
    isSame: true,
  }),
};

const paramsOf = (random: Random): QuantParams => ({
  scale: Math.fround(random.uniform(0.01, 0.05)),
  zero: random.below(128),
});

interface Case {
  /** With codes, and the same numbers in f64. */
  readonly int8: Graph;
  readonly real: Graph;
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly y: QuantParams;
}

const batch = 2;

/** A first layer makes the codes that the op under test reads, so that they lie in planes as in a net. */
function caseOf(make: Make, random: Random): Case | undefined {
  const channels = upTo(random, 1, 9);
  const [height, width] = [upTo(random, 1, 11), upTo(random, 1, 11)];
  const { op, attrs, kernel, inputs = 1, isSame = false } = make(random, channels);
  const x = paramsOf(random);
  const y = isSame ? x : paramsOf(random);
  const names = Array.from({ length: inputs }, (_, i) => `a${i}`);
  const still = { strides: [1, 1], dilations: [1, 1], padding: [0, 0, 0, 0] };
  const quant: Record<string, QuantParams> = { y };
  const nodes: Node[] = [];
  const weights: Record<string, ReturnType<typeof f32>> = {};
  for (const [i, name] of names.entries()) {
    // The identity: a code of x comes out as it went in.
    const one = new Float32Array(channels * channels);
    for (let c = 0; c < channels; c++) one[c * channels + c] = 1;
    weights[`k${i}`] = f32([1, 1, channels, channels], one);
    nodes.push(node(name, "conv2d", `x${i}`, { attrs: still, weights: { kernel: `k${i}` } }));
    // The second of two that keep their parameters has those of the first.
    quant[`x${i}`] = quant[name] = isSame || i === 0 ? x : paramsOf(random);
  }
  const roles: Record<string, string> = {};
  if (kernel) {
    const fan = sizeOf(kernel) / (kernel.at(-1) as number);
    weights.k = f32(
      kernel,
      noise(sizeOf(kernel), random.below(1e6)).map((value) => value * Math.sqrt(3 / fan)),
    );
    const outputs = op === "depthwiseConv2d" ? channels : (kernel[3] as number);
    weights.b = f32([outputs], noise(outputs, 5));
    Object.assign(roles, { kernel: "k", bias: "b" });
  }
  nodes.push(node("y", op, names, { attrs, weights: roles }));
  const pictures = names.map((_, i) => ({ name: `x${i}`, shape: [null, height, width, channels] }));
  const plain = graphOf({ inputs: pictures, nodes, weights });
  try {
    checkGraph(plain);
  } catch (error) {
    // A window larger than its picture, and the like.
    if (error instanceof GraphError) return undefined;
    throw error;
  }
  const int8 = new Map(plain.weights);
  const real = new Map(plain.weights);
  for (const layer of kernelNodes(plain)) {
    const [input] = layer.node.inputs;
    const made = quantizeLayer(layer, quant[input]);
    const { kernel: key, bias = `${layer.node.name}/none` } = layer.node.weights;
    int8.set(key, made.kernel);
    if (made.bias) int8.set(bias, made.bias);
    const { data, scale } = made.kernel;
    real.set(
      key,
      f32(
        made.kernel.shape,
        Float32Array.from(data, (code, i) => code * scale[i % scale.length]),
      ),
    );
  }
  const coded = plain.nodes.map((each) => {
    const bias = each.weights.kernel ? (each.weights.bias ?? `${each.name}/none`) : undefined;
    const own = bias !== undefined && int8.get(bias)?.dtype === "i32" ? { bias } : {};
    const { bias: _, ...others } = each.weights;
    return { ...each, weights: { ...others, ...own } };
  });
  return {
    int8: { ...plain, nodes: coded, weights: int8, quant: new Map(Object.entries(quant)) },
    real: { ...plain, weights: real },
    inputs: Object.fromEntries(
      pictures.map(({ name }) => {
        const { scale, zero } = quant[name];
        const size = batch * height * width * channels;
        return [name, Float32Array.from({ length: size }, () => realOf(random.below(128), { scale, zero }))];
      }),
    ),
    y,
  };
}

test.each(Object.keys(ops))("%s", (name) => {
  const random = createRandom(17);
  let tried = 0;
  for (let turn = 0; turn < 400 && tried < 60; turn++) {
    const each = caseOf(ops[name], random);
    if (!each) continue;
    tried += 1;
    const { int8, real, inputs, y } = each;
    checkGraph(int8);
    const wanted = evaluate(real, inputs).y;
    const results = variantsHere(runtimeSet).flatMap((variant) => {
      using model = createModel(int8, { variant });
      using other = new shipped.Model(int8, { variant });
      return [model, other].map((each) => each.run(inputs).y.slice());
    });
    const what = JSON.stringify({
      turn,
      x: int8.inputs[0].shape,
      y: inferShapes(int8).get("y"),
      attrs: int8.nodes.at(-1)?.attrs,
    });
    for (const result of results) expect(result, what).toEqual(results[0]);
    for (let i = 0; i < wanted.length; i++) {
      // In f64 a number may lie a hair on the other side of the middle between two codes.
      // What has no form in integers comes as the real number that it is.
      const distances = [wanted[i], realOf(codeOf(wanted[i], y), y)].map((value) =>
        Math.abs(results[0][i] - value),
      );
      const distance = Math.min(...distances);
      if (distance > 1.01 * y.scale)
        expect.fail(`${what}: element ${i} wanted ${wanted[i]}, got ${results[0][i]}`);
    }
  }
  expect(tried).toBeGreaterThan(20);
});

test.each(Object.keys(ops))("%s with codes that span next to nothing saturates", (name) => {
  const random = createRandom(18);
  let tried = 0;
  for (let turn = 0; turn < 200 && tried < 20; turn++) {
    const each = caseOf(ops[name], random);
    if (!each || ops[name](random, 1).isSame) continue;
    tried += 1;
    const { real, inputs } = each;
    const y = { scale: 1e-12, zero: 50 };
    const int8 = { ...each.int8, quant: new Map([...each.int8.quant, ["y", y]]) };
    const wanted = evaluate(real, inputs).y;
    const results = variantsHere(runtimeSet).map((variant) => {
      using model = createModel(int8, { variant });
      return model.run(inputs).y.slice();
    });
    for (const result of results) expect(result).toEqual(results[0]);
    const [low, high] = [0, 127].map((code) => Math.fround(realOf(code, y)));
    results[0].forEach((got, i) => {
      if (Math.abs(wanted[i]) < 1e-3 || Math.abs(got - wanted[i]) < 1e-3) return;
      // Below a relu's bound the code of 0 is the lowest.
      expect(wanted[i] < 0 ? [low, 0] : [high]).toContain(got);
    });
  }
});

const dense = (): { graph: Graph; x: Float32Array } => {
  const inputs = 64;
  const weights = { k: f32([inputs, inputs], noise(inputs * inputs)) };
  const plain = graphOf({
    inputs: [{ name: "x", shape: [null, inputs] }],
    nodes: [node("y", "dense", "x", { weights: { kernel: "k" } })],
    weights,
  });
  const quant = new Map([
    ["x", { scale: 1 / 64, zero: 64 }],
    ["y", { scale: 0.25, zero: 60 }],
  ]);
  const [layer] = kernelNodes(plain);
  const made = quantizeLayer(layer, quant.get("x") as QuantParams);
  const nodes = [{ ...plain.nodes[0], weights: { kernel: "k", bias: "b" } }];
  const coded = new Map<string, Weight>([["k", made.kernel]]);
  if (made.bias) coded.set("b", made.bias);
  return { graph: { ...plain, nodes, weights: coded, quant }, x: noise(inputs * 600, 3) };
};

test("batch sizes that come and go leave no memory behind", () => {
  const { graph, x } = dense();
  using model = createModel(graph);
  const use = (from: number) => {
    for (let batch = from; batch < from + 60; batch++) model.run({ x: x.subarray(0, 64 * batch) });
    return model.memoryBytes;
  };
  use(400);
  const bytes = use(340);
  expect(use(280)).toBe(bytes);
  expect(use(220)).toBe(bytes);
});

test("a weight may have the name of what a node calls its own", () => {
  const { graph, x } = dense();
  using model = createModel(graph);
  const wanted = model.run({ x }).y.slice();
  for (const taken of ["y/post", "y/mult", "tiles/75", "y"]) {
    const rename = (key: string) => (key === "k" ? taken : key);
    const renamed: Graph = {
      ...graph,
      nodes: graph.nodes.map((each) => ({
        ...each,
        weights: Object.fromEntries(Object.entries(each.weights).map(([role, key]) => [role, rename(key)])),
      })),
      weights: new Map([...graph.weights].map(([key, weight]) => [rename(key), weight])),
    };
    using other = createModel(renamed);
    expect(other.run({ x }).y, taken).toEqual(wanted);
  }
  const nul = graphOf({ nodes: [node("a\0b", "unary", "x", { attrs: { fn: "relu" } })] });
  expect(() => checkGraph(nul)).toThrow(/wanted a name without NUL/);
});

test("strides wider than the picture read nothing past it", () => {
  const attrs = { strides: [1, 20_000], padding: [0, 0, 0, 0] };
  const graph = graphOf({
    inputs: [{ name: "x", shape: [null, 1, 20_001, 1] }],
    nodes: [node("p", "maxPool", "x", { attrs: { size: [1, 1], ...attrs } })],
    quant: { x: { scale: 1, zero: 0 }, p: { scale: 1, zero: 0 } },
  });
  checkGraph(graph);
  const x = new Float32Array(20_001);
  x[0] = 5;
  x[20_000] = 9;
  for (const variant of variantsHere(runtimeSet)) {
    using model = createModel(graph, { variant });
    expect([...model.run({ x }).y]).toEqual([5, 9]);
  }
});

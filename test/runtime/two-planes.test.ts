/** A net's input in two planes: at once to codes, whatever its channels, window and batch. */

import { expect, test } from "vitest";
import { kernelNodes } from "../../src/compress/index.js";
import { codeOf, realOf } from "../../src/compress/params.js";
import { quantizeLayer } from "../../src/compress/quantize-weights.js";
import { splitInputs } from "../../src/compress/two-planes.js";
import { createRandom } from "../../src/data/index.js";
import { checkGraph, type Graph, type QuantParams, type Weight } from "../../src/graph/index.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { createModel } from "../../src/runtime/index.js";
import { evaluate } from "../graph/evaluate.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";
import { variantsHere } from "../kernels/variants.js";

const step = Math.fround(1 / 30);
const halves: QuantParams = { scale: Math.fround(step / 2), zero: 60 };
const y: QuantParams = { scale: 0.04, zero: 20 };
const outputs = 6;

interface Window {
  readonly channels: number;
  readonly size: readonly number[];
  readonly strides: readonly number[];
}

/** With codes, and the layer alone on real numbers of two planes. */
function made({ channels, size, strides }: Window): { int8: Graph; planes: Graph } {
  const attrs = { strides, padding: [1, 0, 2, 1], dilations: [1, 1], activation: "relu" };
  const shape = [...size, channels, outputs];
  const kernel = noise(shape.reduce((a, b) => a * b)).map((value) => value / 3);
  const picture = (n: number) => [{ name: "x", shape: [null, 9, 12, n] }];
  const conv = node("y", "conv2d", "x", { attrs, weights: { kernel: "k" } });
  const plain = graphOf({ inputs: picture(channels), nodes: [conv], weights: { k: f32(shape, kernel) } });
  const split = splitInputs(plain, new Map([["y", step]]));
  const [layer] = kernelNodes(split);
  const { kernel: coded, bias } = quantizeLayer(layer, halves);
  const key = layer.node.weights.kernel;
  const weights = new Map<string, Weight>([...split.weights, [key, coded]]);
  if (bias) weights.set("b", bias);
  const nodes = split.nodes.map((each) =>
    each.name === "y" && bias ? { ...each, weights: { kernel: key, bias: "b" } } : each,
  );
  const quant = new Map([
    [layer.node.inputs[0], halves],
    ["y", y],
  ]);
  const { data, scale } = coded;
  const real = Float32Array.from(data, (code, i) => code * scale[i % scale.length]);
  return {
    int8: { ...split, nodes, weights, quant },
    planes: graphOf({ inputs: picture(2 * channels), nodes: [conv], weights: { k: f32(coded.shape, real) } }),
  };
}

/** The two planes of x as the codes stand for them, channels behind channels. */
function planesOf(x: Float32Array, channels: number): Float32Array {
  const scale = Math.fround(0.5 / halves.scale);
  const shift = Math.fround(Math.fround(step / 8) / halves.scale);
  return Float32Array.from({ length: 2 * x.length }, (_, i) => {
    const [pixel, c] = [Math.floor(i / (2 * channels)), i % (2 * channels)];
    const value = Math.fround(x[pixel * channels + (c % channels)] * scale);
    const code = codeOf(Math.fround(value + (c < channels ? shift : -shift)), {
      scale: 1,
      zero: halves.zero,
    });
    return realOf(code, halves);
  });
}

const windows = [1, 2, 3, 4, 5].flatMap((channels) =>
  [
    { size: [3, 3], strides: [2, 2] },
    { size: [3, 3], strides: [1, 1] },
    { size: [5, 2], strides: [1, 3] },
    { size: [1, 1], strides: [2, 1] },
  ].map((window) => ({ channels, ...window })),
);

test.each(windows)("$channels channels, $size at $strides", (window) => {
  const { channels } = window;
  const { int8, planes } = made(window);
  checkGraph(int8);
  const random = createRandom(channels);
  const x = Float32Array.from({ length: 2 * 9 * 12 * channels }, () => random.normal(0, 1.2));
  const results = variantsHere(runtimeSet).map((variant) => {
    using model = createModel(int8, { variant });
    const { y: got } = model.run({ x });
    const steps = model.steps().join();
    expect(steps.includes("f32_u7_halves")).toBe(channels <= 4);
    expect(steps.includes("f32_affine")).toBe(channels > 4);
    expect(steps.includes("f32_copy_rows")).toBe(channels > 4);
    return got.slice();
  });
  for (const result of results) expect(result).toEqual(results[0]);
  const wanted = evaluate(planes, { x: planesOf(x, channels) }).y;
  // What is past the codes' reach saturates.
  const errors = wanted.map((value, i) => Math.abs(Math.min(value, realOf(127, y)) - results[0][i]));
  expect(Math.max(...errors)).toBeLessThanOrEqual(0.51 * y.scale);
});

test("who asks for the planes' numbers gets them as they are, not as their codes stand for them", () => {
  const { int8 } = made(windows[8]);
  const [halved] = int8.quant.keys();
  const told: Graph = { ...int8, outputs: [...int8.outputs, { name: "halves", value: halved }] };
  const x = noise(9 * 12 * 3);
  for (const variant of variantsHere(runtimeSet)) {
    using model = createModel(told, { variant });
    const { y: got, halves: numbers } = model.run({ x });
    const { scale, offset } = int8.nodes.find(({ name }) => name === halved)?.weights ?? {};
    const [by, shift] = [scale, offset].map((key) => int8.weights.get(key)?.data ?? []);
    const wanted = numbers.map((_, i) => {
      const [pixel, c] = [Math.floor(i / 6), i % 6];
      return Math.fround(Math.fround(x[pixel * 3 + (c % 3)] * by[c]) + shift[c]);
    });
    expect(numbers).toEqual(wanted);
    using alone = createModel(int8, { variant });
    expect(alone.run({ x }).y).toEqual(got);
  }
});

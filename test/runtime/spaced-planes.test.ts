/**
 * A convolution without padding writes its rows as far apart as those it reads, where its readers can do with that:
 * whatever they are, the same codes as each layer by itself.
 */

import { expect, test } from "vitest";
import { kernelNodes } from "../../src/compress/index.js";
import { quantizeLayer } from "../../src/compress/quantize-weights.js";
import type { Graph, Node, Weight } from "../../src/graph/index.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { createModel } from "../../src/runtime/index.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";
import { variantsHere } from "../kernels/variants.js";

const x = { scale: 1 / 40, zero: 60 };
const y = { scale: 0.05, zero: 64 };
const batch = 2;
const none = [0, 0, 0, 0];
const plain = { strides: [1, 1], dilations: [1, 1], padding: none };
type Variant = (typeof variants)[number];
const variants = variantsHere(runtimeSet);

const conv = (name: string, size: readonly number[], more = {}) =>
  node(name, "conv2d", "y", { attrs: { ...plain, ...more }, weights: { kernel: `${size.join("x")}` } });
const depthwise = (name: string, size: readonly number[], more = {}) =>
  node(name, "depthwiseConv2d", "y", {
    attrs: { ...plain, ...more },
    weights: { kernel: `${size.join("x")}` },
  });
const pool = (name: string, op: string, size: readonly number[], strides: readonly number[]) =>
  node(name, op, "y", { attrs: { size, strides, padding: none } });

const readersOf = (channels: number): readonly (readonly Node[])[] => {
  const twice = { strides: [2, 2] };
  const one = [
    conv("a", [3, 3, channels, 5]),
    conv("a", [3, 3, channels, 5], twice),
    conv("a", [2, 3, channels, 6], { dilations: [2, 1] }),
    conv("a", [1, 1, channels, 9]),
    conv("a", [3, 3, channels, 4], { padding: [1, 1, 1, 1] }),
    depthwise("a", [3, 3, channels, 1]),
    depthwise("a", [3, 3, channels, 1], twice),
    depthwise("a", [5, 2, channels, 1]),
    pool("a", "maxPool", [2, 2], [2, 2]),
    pool("a", "maxPool", [3, 3], [2, 2]),
    pool("a", "maxPool", [2, 2], [1, 3]),
    pool("a", "averagePool", [2, 3], [2, 2]),
    pool("a", "averagePool", [2, 2], [1, 1]),
    node("a", "add", ["y", "y"]),
    node("a", "pad", "y", { attrs: { pads: [1, 0, 2, 1, 0, 0], mode: "constant", value: 0 } }),
    node("a", "reduce", "y", { attrs: { fn: "mean", axes: [1, 2], keepDims: false } }),
  ];
  return [
    ...one.map((reader) => [reader]),
    [conv("a", [3, 3, channels, 5]), pool("b", "maxPool", [2, 2], [2, 2])],
    [conv("a", [3, 3, channels, 5]), node("b", "add", ["y", "y"])],
    [conv("a", [1, 2, channels, 5]), conv("b", [3, 3, channels, 4], { padding: [0, 1, 1, 0] })],
  ];
};

/** A net of nodes whose values are all codes. */
function coded(nodes: readonly Node[], input: { name: string; shape: readonly (number | null)[] }): Graph {
  const sizes = nodes.flatMap(({ weights }) => (weights.kernel ? [weights.kernel] : []));
  const weights = Object.fromEntries(
    sizes.map((key) => {
      const shape = key.split("x").map(Number);
      return [key, f32(shape, noise(shape.reduce((a, b) => a * b)))];
    }),
  );
  const outputs = nodes.map(({ name }) => ({ name, value: name }));
  const real = graphOf({ inputs: [input], outputs, nodes, weights });
  const own = new Map<string, Weight>();
  const roles = new Map<string, Record<string, string>>();
  for (const layer of kernelNodes(real)) {
    const { name, inputs } = layer.node;
    const made = quantizeLayer(layer, inputs[0] === "x" ? x : y);
    own.set(`${name}/k`, made.kernel);
    if (made.bias) own.set(`${name}/b`, made.bias);
    roles.set(name, { kernel: `${name}/k`, ...(made.bias && { bias: `${name}/b` }) });
  }
  const quant = new Map(nodes.map(({ name }) => [name, y]));
  quant.set(input.name, input.name === "x" ? x : y);
  return {
    ...real,
    nodes: nodes.map((each) => ({ ...each, weights: roles.get(each.name) ?? {} })),
    weights: own,
    quant,
  };
}

function run(graph: Graph, input: Record<string, Float32Array>, variant: Variant) {
  using model = createModel(graph, { variant });
  return Object.fromEntries(Object.entries(model.run(input)).map(([name, data]) => [name, data.slice()]));
}

for (const channels of [3, 4, 10]) {
  for (const width of [11, 12, 19]) {
    test(`${channels} channels, ${width} columns`, () => {
      const first = node("y", "conv2d", "x", { attrs: plain, weights: { kernel: `3x3x4x${channels}` } });
      const picture = { name: "x", shape: [null, 11, width, 4] };
      const input = { x: noise(batch * 11 * width * 4, 4) };
      for (const variant of variants) {
        const alone = run(coded([first], picture), input, variant);
        for (const readers of readersOf(channels)) {
          const between = { name: "y", shape: [null, 9, width - 2, channels] };
          const wanted = run(coded(readers, between), alone, variant);
          const net = coded([first, ...readers], picture);
          expect(run(net, input, variant), JSON.stringify(readers)).toEqual({ ...alone, ...wanted });
          const outputs = net.outputs.filter(({ name }) => name !== "y");
          expect(run({ ...net, outputs }, input, variant), JSON.stringify(readers)).toEqual(wanted);
        }
      }
    });
  }
}

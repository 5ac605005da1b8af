/** Convolutions that share a kernel and slide it otherwise: how it is packed is up to the window too. */

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
const windows = [
  { strides: [1, 1], dilations: [1, 1] },
  { strides: [1, 1], dilations: [2, 1] },
  { strides: [2, 2], dilations: [1, 1] },
  { strides: [1, 1], dilations: [1, 2] },
];

function netOf(channels: number, nodes: readonly Node[], coded: ReadonlySet<string>): Graph {
  const shape = [3, 3, channels, 8];
  const weights = { k: f32(shape, noise(9 * channels * 8)) };
  const outputs = nodes.map(({ name }) => ({ name, value: name }));
  const inputs = [{ name: "x", shape: [null, 9, 9, channels] }];
  const plain = graphOf({ inputs, outputs, nodes, weights });
  const made = quantizeLayer(kernelNodes(plain)[0], x);
  const own = new Map<string, Weight>([["k", made.kernel]]);
  if (made.bias) own.set("b", made.bias);
  const roles = { kernel: "k", ...(made.bias && { bias: "b" }) };
  const quant = new Map([["x", x]]);
  for (const name of coded) quant.set(name, y);
  return { ...plain, nodes: nodes.map((each) => ({ ...each, weights: roles })), weights: own, quant };
}

test.each([1, 2, 3, 5, 6, 10])("%i channels", (channels) => {
  const input = { x: noise(2 * 81 * channels, 4) };
  const nodes = windows.map((window, i) =>
    node(`y${i}`, "conv2d", "x", { attrs: { ...window, padding: [0, 0, 0, 0] }, weights: { kernel: "k" } }),
  );
  for (const isCoded of [true, false]) {
    const run = (some: readonly Node[], variant: (typeof variants)[number]) => {
      const coded = new Set(isCoded ? some.map(({ name }) => name) : []);
      using model = createModel(netOf(channels, some, coded), { variant });
      return Object.fromEntries(Object.entries(model.run(input)).map(([name, data]) => [name, data.slice()]));
    };
    const variants = variantsHere(runtimeSet);
    for (const variant of variants) {
      const alone = Object.assign({}, ...nodes.map((one) => run([one], variant)));
      expect(run(nodes, variant)).toEqual(alone);
      expect(run(nodes.toReversed(), variant)).toEqual(alone);
    }
  }
});

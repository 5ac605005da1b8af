import { expect, test } from "vitest";
import { type KernelNode, kernelNodes } from "../../src/compress/kernel-nodes.js";
import { quantizeLayer } from "../../src/compress/quantize-weights.js";
import { isNormalScale } from "../../src/graph/index.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

function layerOf(inputs: number, kernel: ArrayLike<number>, bias?: ArrayLike<number>): KernelNode {
  const outputs = kernel.length / inputs;
  const [layer] = kernelNodes(
    graphOf({
      inputs: [{ name: "x", shape: [null, inputs] }],
      nodes: [node("y", "dense", "x", { weights: { kernel: "k", ...(bias && { bias: "b" }) } })],
      weights: { k: f32([inputs, outputs], kernel), ...(bias && { b: f32([outputs], bias) }) },
    }),
  );
  return layer;
}

const input = { scale: 0.5, zero: 10 };

test("each channel has the scale of its largest weight, and codes to match", () => {
  const { kernel, bias } = quantizeLayer(layerOf(2, [1, -20, -0.5, 10], [3, -4]), input);
  expect(kernel.scale).toEqual(Float32Array.of(1 / 127, 20 / 127));
  // 0.5 is 63.5 codes of its channel, a tie that goes to the even one.
  expect([...kernel.data]).toEqual([127, -127, -64, 64]);
  expect([...(bias?.data ?? [])]).toEqual([
    Math.round(3 / (0.5 * kernel.scale[0])) - 10 * (127 - 64),
    Math.round(-4 / (0.5 * kernel.scale[1])) - 10 * (-127 + 64),
  ]);
});

test("weights are within half a code, zeros stay zeros", () => {
  const weights = noise(60).map((x, i) => (i % 3 ? x : 0));
  const { kernel } = quantizeLayer(layerOf(12, weights), input);
  kernel.data.forEach((code, i) => {
    const value = code * kernel.scale[i % 5];
    expect(Math.abs(value - weights[i])).toBeLessThanOrEqual(kernel.scale[i % 5] * 0.5001);
    if (weights[i] === 0) expect(value).toBe(0);
  });
});

test("the zero point is folded into the bias: codes of real 0 sum to the real bias", () => {
  const biases = noise(5, 9);
  const { kernel, bias } = quantizeLayer(layerOf(12, noise(60), biases), input);
  for (let channel = 0; channel < 5; channel++) {
    let sum = bias?.data[channel] ?? 0;
    for (let k = 0; k < 12; k++) sum += kernel.data[k * 5 + channel] * input.zero;
    expect(sum * input.scale * kernel.scale[channel]).toBeCloseTo(biases[channel], 2);
  }
});

test("no bias and zero point 0 is no bias; a shift makes one", () => {
  const layer = layerOf(2, [1, 2, 3, 4]);
  expect(quantizeLayer(layer, { scale: 1, zero: 0 }).bias).toBeUndefined();
  const { bias, kernel } = quantizeLayer(layer, { scale: 1, zero: 0 }, Float64Array.of(1, -1));
  expect([...(bias?.data ?? [])]).toEqual([
    Math.round(1 / kernel.scale[0]),
    Math.round(-1 / kernel.scale[1]),
  ]);
});

test("a channel of zeros has a normal scale and its bias to 20 bits", () => {
  const biases = [0.3, 0, -1e-20, 1e30];
  const { kernel, bias } = quantizeLayer(layerOf(3, new Float32Array(12), biases), input);
  expect(kernel.data.every((code) => code === 0)).toBe(true);
  for (let channel = 0; channel < 4; channel++) {
    expect(isNormalScale(kernel.scale[channel])).toBe(true);
    const real = (bias?.data[channel] ?? 0) * input.scale * kernel.scale[channel];
    expect(Math.abs(real - biases[channel])).toBeLessThanOrEqual(Math.abs(biases[channel]) * 2 ** -20);
  }
});

test("a bias that would leave i32 widens its channel, and no sum leaves it either", () => {
  const weights = [1e-9, 1, -1e-9, 1];
  const { kernel, bias } = quantizeLayer(layerOf(2, weights, [1000, 1]), { scale: 1e-3, zero: 64 });
  const codes = bias?.data as Int32Array;
  const real = codes[0] + 64 * (kernel.data[0] + kernel.data[2]);
  expect(real * 1e-3 * kernel.scale[0]).toBeCloseTo(1000, 3);
  for (let channel = 0; channel < 2; channel++) {
    const magnitude = Math.abs(kernel.data[channel]) + Math.abs(kernel.data[2 + channel]);
    expect(Math.abs(codes[channel]) + 127 * magnitude).toBeLessThan(2 ** 31);
  }
  // The other channel is as fine as it can be.
  expect(kernel.scale[1]).toBe(Math.fround(1 / 127));
});

test("the longest sums of full weights fit", () => {
  const inputs = 133_144;
  const { kernel, bias } = quantizeLayer(layerOf(inputs, new Float32Array(inputs).fill(1), [5]), {
    scale: 1,
    zero: 127,
  });
  const magnitude = kernel.data.reduce((sum, code) => sum + Math.abs(code), 0);
  expect(Math.abs(bias?.data[0] ?? 0) + 127 * magnitude).toBeLessThan(2 ** 31);
});

test("weights of the smallest f32 have a normal scale", () => {
  const { kernel } = quantizeLayer(layerOf(1, [1e-45, 3e38]), input);
  expect([...kernel.scale].every(isNormalScale)).toBe(true);
  expect([...kernel.data]).toEqual([0, 127]);
});

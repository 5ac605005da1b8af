import { describe, expect, test } from "vitest";
import { quantizeGraph, readSamples } from "../../src/compress/index.js";
import { tapShares } from "../../src/compress/tap-shares.js";
import type { Graph } from "../../src/graph/index.js";
import { createModel } from "../../src/runtime/index.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

/** Mean of each of 3 channels over samples of 1 x 1 pixel, all taps but the middle one on the padding. */
async function means(biasCorrection: boolean | "f32"): Promise<readonly number[]> {
  const graph = graphOf({
    inputs: [{ name: "x", shape: [null, 1, 1, 4] }],
    nodes: [
      node("conv", "conv2d", "x", {
        attrs: { strides: [1, 1], dilations: [1, 1], padding: [1, 1, 1, 1] },
        weights: { kernel: "kernel", bias: "bias" },
      }),
    ],
    weights: { kernel: f32([3, 3, 4, 3], noise(108, 5)), bias: f32([3], noise(3, 6)) },
    outputs: [{ name: "y", value: "conv" }],
  });
  const data = noise(4 * 200, 7).map((value) => value + 1);
  const settings = {
    samples: readSamples(graph, data),
    open: (from: Graph, keep: readonly string[]) => createModel(from, { keep }),
    ranges: { method: "percentile", percentile: 99.99 },
  } as const;
  using model = createModel(
    biasCorrection === "f32" ? graph : (await quantizeGraph(graph, { ...settings, biasCorrection })).graph,
  );
  const { y } = model.run({ x: data });
  return [0, 1, 2].map((channel) => y.filter((_, i) => i % 3 === channel).reduce((a, b) => a + b, 0) / 200);
}

describe("bias correction", () => {
  test("counts no tap of a convolution where it lies on the padding", async () => {
    const wanted = await means("f32");
    const off = async (biasCorrection: boolean) =>
      (await means(biasCorrection)).map((mean, i) => Math.abs(mean - wanted[i]));
    expect(Math.max(...(await off(true)))).toBeLessThan(Math.max(...(await off(false))) / 2);
  });
});

describe("the share of places at which a tap lies on the picture", () => {
  const window = (strides: number[], dilations: number[], padding: number[]) =>
    node("conv", "conv2d", "x", { attrs: { strides, dilations, padding } });

  test("is that of its rows by that of its columns", () => {
    // Rows: 3 taps at 4 places over 4 cells and one of padding on each side; columns: one tap, no padding.
    const shares = tapShares(window([1, 1], [1, 1], [1, 1, 0, 0]), [3, 1], [null, 4, 5, 2]);
    expect(shares).toEqual([0.75, 1, 0.75]);
  });

  test("with strides and dilation", () => {
    // 7 cells and 2 + 2 of padding, a reach of 5, every second place: 4 places, from -2.
    const shares = tapShares(window([2, 1], [2, 1], [2, 2, 0, 0]), [3, 1], [null, 7, 1, 1]);
    expect(shares).toEqual([0.75, 1, 0.75]);
    // 1 x 1 pixel: the middle alone.
    const one = tapShares(window([1, 1], [3, 3], [3, 3, 3, 3]), [3, 3], [null, 1, 1, 8]);
    expect(one).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0]);
  });
});

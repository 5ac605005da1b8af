import { describe, expect, test } from "vitest";
import { quantizeGraph, readSamples } from "../../src/compress/index.js";
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
  const data = noise(4 * 200, 7).map((value) => value / 10 + 1);
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

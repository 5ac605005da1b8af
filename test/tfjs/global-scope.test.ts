/** One threshold over several weights, against sorting them all. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { fineTune, type GradualPruneOptions } from "../../src/tfjs.js";
import { backends, countZeros, noise, randomize, useBackend, valuesOf } from "./support.js";

const { layers } = tf;

/**
 * Sizes that no block of 4 divides. A transposed kernel is stored [taps][outputs][inputs]; stock tfjs has
 * no gradient of it on wasm.
 */
function model(transposed: boolean): tf.LayersModel {
  const made = tf.sequential({
    layers: [
      layers.dense({ units: 18, inputShape: [10], name: "a" }),
      layers.reshape({ targetShape: [3, 1, 6] }),
      ...(transposed ? [layers.conv2dTranspose({ filters: 5, kernelSize: 1, name: "t" })] : []),
      layers.flatten(),
      layers.dense({ units: 3, name: "c" }),
    ],
  });
  randomize(made, 3);
  tf.tidy(() => {
    // One layer of small weights: a threshold of its own would leave it as much as the others.
    const weights = made.getWeights();
    made.setWeights([tf.mul(weights[0], 0.3), ...weights.slice(1)]);
  });
  return made;
}

/** The rate is so small that no weight moves in f32: what is pruned is what was there. */
async function pruned(prune: GradualPruneOptions) {
  const made = model(tf.getBackend() === "cpu");
  const before = valuesOf(made);
  const data = { x: noise(80), y: noise(24) };
  const options = { epochs: 3, batchSize: 4, loss: "meanSquaredError", learningRate: 1e-30 } as const;
  const { sparsity, sparsities } = await fineTune(made, data, { ...options, prune });
  return { before, after: valuesOf(made), sparsity, sparsities };
}

type Block = { readonly name: string; readonly places: number[]; readonly score: number };

/** All blocks of a kernel, by their places in it, found the plain way. */
function blocksOf(name: string, values: Float32Array, blockOutputs: number, blockInputs: number): Block[] {
  const outputs = { a: 18, t: 5, c: 3 }[name[0]] as number;
  const inputs = values.length / outputs;
  const place = (i: number, o: number) => (name[0] === "t" ? o * inputs + i : i * outputs + o);
  const blocks: Block[] = [];
  for (let i = 0; i < inputs; i += blockInputs) {
    for (let o = 0; o < outputs; o += blockOutputs) {
      const places: number[] = [];
      for (let k = i; k < Math.min(inputs, i + blockInputs); k++) {
        for (let l = o; l < Math.min(outputs, o + blockOutputs); l++) places.push(place(k, l));
      }
      blocks.push({ name, places, score: places.reduce((sum, p) => sum + values[p] ** 2, 0) });
    }
  }
  return blocks;
}

describe.each(backends)("global scope on %s", (backend) => {
  beforeAll(() => useBackend(backend));
  const kernels = backend === "cpu" ? ["a/kernel", "t/kernel", "c/kernel"] : ["a/kernel", "c/kernel"];

  test.each([
    ["unstructured", 1, 1],
    ["1x4", 1, 4],
    ["4x4", 4, 4],
  ] as const)("%s takes the smallest of all, exactly as many as asked", async (pattern, outputs, inputs) => {
    const { before, after, sparsity, sparsities } = await pruned({
      scope: "global",
      sparsity: 0.55,
      pattern,
    });
    const blocks = kernels.flatMap((name) => blocksOf(name, before[name], outputs, inputs));
    blocks.sort((a, b) => a.score - b.score);
    const gone = blocks.slice(0, Math.ceil(0.55 * blocks.length));
    const wanted = Object.fromEntries(kernels.map((name) => [name, before[name].slice()]));
    for (const { name, places } of gone) for (const p of places) wanted[name][p] = 0;
    for (const name of kernels) {
      expect(after[name], name).toEqual(wanted[name]);
      expect(sparsities[name]).toBe(countZeros(wanted[name]) / wanted[name].length);
    }
    const zeros = gone.reduce((sum, { places }) => sum + places.length, 0);
    expect(sparsity).toBe(zeros / kernels.reduce((sum, name) => sum + before[name].length, 0));
    expect(sparsities["a/kernel"]).toBeGreaterThan(sparsities["c/kernel"] + 0.1);
  });
});

test("weights that are equal make no more zeros than were asked for", async () => {
  await useBackend("cpu");
  const made = tf.sequential({
    layers: ["a", "b"].map((name) =>
      layers.dense({ units: 4, inputShape: [4], name, kernelInitializer: "ones", useBias: false }),
    ),
  });
  const data = { x: noise(16), y: noise(16) };
  const options = { epochs: 1, batchSize: 4, loss: "meanSquaredError", learningRate: 1e-30 } as const;
  const { sparsities } = await fineTune(made, data, {
    ...options,
    prune: { scope: "global", sparsity: 0.625 },
  });
  expect(sparsities).toEqual({ "a/kernel": 1, "b/kernel": 0.25 });
});

test.each<[GradualPruneOptions, string]>([
  [{ scope: "global" }, "sparsity: wanted one for the global scope, got none"],
  [{ scope: "global", pattern: "2:4" }, "scope: wanted one sparsity for a global one, got pattern 2:4"],
  [
    { scope: "global", sparsity: 0.5, targets: { a: 0.5 } },
    "scope: wanted one sparsity for a global one, got targets",
  ],
  [{ scope: "all" as "global", sparsity: 0.5 }, "scope: wanted auto, local, global, got all"],
])("refuses %o", async (prune, message) => {
  await useBackend("cpu");
  await expect(pruned(prune)).rejects.toThrow(message);
});

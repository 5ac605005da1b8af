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

describe("by default", () => {
  // Stock tfjs has no gradients of convolutions on wasm.
  beforeAll(() => useBackend("cpu"));

  /** A residual net, depthwise and with ends of few weights. */
  function residual(): tf.LayersModel {
    const input = tf.input({ shape: [3, 3, 1] });
    const conv = (name: string, filters: number, kernelSize: number) =>
      layers.conv2d({ name, filters, kernelSize, padding: "same", activation: "relu" });
    const first = conv("entry", 16, 3).apply(input) as tf.SymbolicTensor;
    const depthwise = layers.depthwiseConv2d({ name: "depthwise", kernelSize: 3, padding: "same" });
    const inner = conv("inner", 16, 3).apply(depthwise.apply(first)) as tf.SymbolicTensor;
    const sum = layers.add().apply([first, inner]) as tf.SymbolicTensor;
    const wide = conv("wide", 64, 3).apply(sum) as tf.SymbolicTensor;
    const pooled = layers.globalAveragePooling2d({}).apply(wide);
    const outputs = layers.dense({ name: "head", units: 3 }).apply(pooled) as tf.SymbolicTensor;
    const made = tf.model({ inputs: input, outputs });
    randomize(made, 5);
    return made;
  }

  async function run(prune: GradualPruneOptions) {
    const made = residual();
    const data = { x: noise(2 * 9), y: noise(2 * 3) };
    const seen: unknown[] = [];
    const result = await fineTune(made, data, {
      epochs: 1,
      batchSize: 1,
      loss: "meanSquaredError",
      learningRate: 1e-30,
      prune,
      onProgress: ({ pruned: tensors }) => seen.push(tensors),
    });
    const values = valuesOf(made);
    made.dispose();
    return { ...result, values, seen };
  }

  test("the whole has the sparsity, depthwise and tiny kernels are dense, and the result says why", async () => {
    const { pruned: tensors = [], sparsity, sparsities, seen, values } = await run({ sparsity: 0.9 });
    const all = Object.entries(values).filter(([name]) => name.endsWith("kernel"));
    const size = all.reduce((sum, [, { length }]) => sum + length, 0);
    const zeros = all.reduce((sum, [, kernel]) => sum + countZeros(kernel), 0);
    expect(zeros).toBe(Math.ceil(0.9 * size));
    expect(sparsity).toBe(zeros / size);
    expect(Object.fromEntries(tensors.map(({ name, reason }) => [name, reason]))).toEqual({
      "entry/kernel": `left dense: tiny: 144 of ${size} weights`,
      "depthwise/depthwise_kernel": "left dense: depthwise: one input channel for each output",
      "inner/kernel": "by its LAMP scores among all layers",
      "wide/kernel": "by its LAMP scores among all layers",
      "head/kernel": `left dense: tiny: 192 of ${size} weights`,
    });
    for (const { name, weights, sparsity: own } of tensors) {
      expect(own).toBe(sparsities[name]);
      expect(weights).toBe(values[name].length);
      expect(own).toBe(/inner|wide/.test(name) ? countZeros(values[name]) / weights : 0);
    }
    expect(sparsities["inner/kernel"]).toBeLessThan(sparsities["wide/kernel"]);
    expect(seen.at(-1)).toEqual(tensors);
  });

  test("blocks and n:m pass by what has no room for them", async () => {
    for (const pattern of ["1x4", "4x4", "2:4"] as const) {
      const {
        sparsity,
        sparsities,
        pruned: tensors = [],
      } = await run({
        pattern,
        ...(pattern !== "2:4" && { sparsity: 0.75 }),
      });
      expect(sparsities["entry/kernel"]).toBe(0);
      expect(sparsities["depthwise/depthwise_kernel"]).toBe(0);
      expect(tensors[0].reason).toBe(`left dense: ${pattern} wants at least 4 inputs, got 1`);
      if (pattern === "2:4") expect(sparsities["wide/kernel"]).toBe(0.5);
      else expect(sparsity).toBeGreaterThanOrEqual(0.75);
    }
  });

  test("a sparsity that blocks cannot reach is said to be so", async () => {
    // 1x4 has room in few of these weights, all but the inner and the wide ones excluded.
    const { pruned: tensors = [], sparsity } = await run({
      sparsity: 0.9,
      pattern: "1x4",
      include: ["entry", "depthwise", "head"],
    });
    expect(sparsity).toBeLessThan(0.5);
    const head = tensors.find(({ name }) => name === "head/kernel");
    expect(head?.sparsity).toBeCloseTo(0.96, 1);
    expect(head?.reason).toMatch(/^all that a layer may lose: 90\.0 % of the whole is out of reach/);
  });

  test("a second run at the same sparsity takes nothing more", async () => {
    const made = residual();
    const data = { x: noise(2 * 9), y: noise(2 * 3) };
    const options = { epochs: 1, batchSize: 1, loss: "meanSquaredError", learningRate: 1e-30 } as const;
    await fineTune(made, data, { ...options, prune: { sparsity: 0.8, scope: "local" } });
    const before = valuesOf(made);
    const { sparsity } = await fineTune(made, data, { ...options, prune: { sparsity: 0.8 } });
    expect(valuesOf(made)).toEqual(before);
    expect(sparsity).toBeCloseTo(0.8, 3);
    made.dispose();
  });
});

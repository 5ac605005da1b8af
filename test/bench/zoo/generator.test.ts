import * as tf from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { generate, type Recipe } from "../../../bench/zoo/generator/index.js";
import { patchKernel } from "../../../bench/zoo/generator/kernels.js";
import { createRandom } from "../../../src/data/index.js";
import { importModel, simplify } from "../../../src/graph/index.js";
import { createModel } from "../../../src/runtime/index.js";

const recipe: Recipe = {
  topology: "mobilenetV3",
  depth: 6,
  size: 16,
  heads: ["classes", "map"],
  character: { uneven: 0.5, dead: 0.1 },
};

/** Pictures of two colours that change from left to right. */
function pictures(count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const x = new Float32Array(count * 16 * 16 * 3);
  for (let i = 0; i < count; i++) {
    const ends = Array.from({ length: 6 }, () => random.uniform());
    for (let at = 0; at < 16 * 16 * 3; at++) {
      const share = (Math.floor(at / 3) % 16) / 15;
      const color = at % 3;
      x[i * 768 + at] = ends[color] * (1 - share) + ends[3 + color] * share + 0.05 * random.normal();
    }
  }
  return x;
}

test("generator: the same net for the same seed, another for another", async () => {
  const x = pictures(24, 1);
  const [a, b, c] = [
    await generate(recipe, 3, x),
    await generate(recipe, 3, x),
    await generate(recipe, 4, x),
  ];
  expect(b.modelTopology).toEqual(a.modelTopology);
  expect(b.weightData).toEqual(a.weightData);
  expect(c.weightData).not.toEqual(a.weightData);
});

test("generator: what a net says of pictures that it was not built on is more than their mean", async () => {
  const graph = simplify(importModel(await generate(recipe, 3, pictures(48, 1))));
  using model = createModel(graph);
  const x = pictures(48, 2);
  const { map, classes } = model.run(x);
  const [, height, width] = [48, ...(model.outputs.find(({ name }) => name === "map")?.shape ?? [])];
  const small: Float32Array = tf.image
    .resizeBilinear(tf.tensor4d(x, [48, 16, 16, 3]), [height, width])
    .dataSync<"float32">();
  const mean = small.reduce((sum, value) => sum + value, 0) / small.length;
  const sumOf = (errorAt: (i: number) => number) => small.reduce((sum, _, i) => sum + errorAt(i) ** 2, 0);
  expect(sumOf((i) => map[i] - small[i])).toBeLessThan(0.3 * sumOf((i) => mean - small[i]));
  const labels = Array.from({ length: 48 }, (_, i) => {
    const row = classes.subarray(i * 10, i * 10 + 10);
    return row.indexOf(Math.max(...row));
  });
  expect(new Set(labels).size).toBeGreaterThan(3);
});

test("kernels: a filter is about of length 1, whatever the size of what it sees", () => {
  const random = createRandom(5);
  const data = Float32Array.from({ length: 2 * 8 * 8 * 6 }, () => 100 * random.uniform());
  const x = tf.tensor4d(data, [2, 8, 8, 6]);
  for (const [isDepthwise, length, filters] of [
    [false, 54, 20],
    [true, 9, 6],
  ] as const) {
    const kernel = patchKernel(x, { filters, size: 3, isDepthwise, random });
    expect(kernel.length).toBe(length * filters);
    for (let o = 0; o < filters; o++) {
      const norm = Math.hypot(...Array.from({ length }, (_, i) => kernel[i * filters + o]));
      expect(norm).toBeGreaterThan(0.5);
      expect(norm).toBeLessThan(1.6);
    }
  }
});

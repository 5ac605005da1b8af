import { expect, test } from "vitest";
import { StatisticsBuilder } from "../../src/compress/histogram.js";
import { quantizeGraph, rankLayers, readSamples } from "../../src/compress/index.js";
import { withPlanes } from "../../src/compress/input-error.js";
import { codeOf, realOf } from "../../src/compress/params.js";
import { chooseParams } from "../../src/compress/range.js";
import { splitInputs } from "../../src/compress/two-planes.js";
import { checkGraph, type Graph } from "../../src/graph/index.js";
import { createModel } from "../../src/runtime/index.js";
import { evaluate, evaluateAll } from "../graph/evaluate.js";
import { expectClose, f32, graphOf, node, noise } from "../graph/helpers.js";

const ranges = { method: "min-max" } as const;
const open = (graph: Graph, keep: readonly string[]) => createModel(graph, { keep });
const still = { strides: [1, 1], dilations: [1, 1], padding: [1, 1, 1, 1] };

/** A difference of neighbours: what 7 bits of the input lose is all there is. With a head, means and a dense too. */
function edges(hasHead = false): Graph {
  const kernel = new Float32Array(9 * 2 * 4);
  for (let o = 0; o < 4; o++) {
    kernel[(4 * 2 + 0) * 4 + o] = 1;
    kernel[(5 * 2 + 0) * 4 + o] = -1;
  }
  return graphOf({
    inputs: [{ name: "x", shape: [null, 8, 8, 2] }],
    nodes: [
      node("c", "conv2d", "x", { attrs: still, weights: { kernel: "k" } }),
      ...(hasHead
        ? [
            node("m", "reduce", "c", { attrs: { fn: "mean", axes: [1, 2] } }),
            node("y", "dense", "m", { weights: { kernel: "w" } }),
          ]
        : []),
    ],
    weights: { k: f32([3, 3, 2, 4], kernel), w: f32([4, 3], noise(12, 2)) },
  });
}

/** Steps as small as a code of 8 bits on a slope as large as the range. */
const slope = (count: number) =>
  Float32Array.from({ length: 8 * 8 * 2 * count }, (_, i) => {
    const [sample, column] = [Math.floor(i / 128), (i >> 1) % 8];
    return 16 * sample + column * 0.7 - 100 + ((i * 7) % 3) * 0.4;
  });

test("the sum of two planes is the input", () => {
  const graph = edges();
  const split = splitInputs(graph, new Map([["c", 0.3]]));
  checkGraph(split);
  const x = noise(128, 4);
  expectClose(evaluate(split, { x }).y, evaluate(graph, { x }).y, 1e-5);
  const all = evaluateAll(split, { x });
  const halves = all.get("c/halves")?.data as Float64Array;
  // Two channels, and two again.
  expectClose(
    Float32Array.from(
      { length: 128 },
      (_, i) => halves[(i >> 1) * 4 + (i & 1)] + halves[(i >> 1) * 4 + 2 + (i & 1)],
    ),
    x,
    1e-6,
  );
});

test("rounded each by itself, two planes reach half a step", () => {
  const builder = new StatisticsBuilder("x", 1);
  const numbers = noise(4000, 3);
  builder.add(numbers);
  const whole = chooseParams(builder.finish(), ranges);
  const half = { scale: whole.scale / 2, zero: whole.zero };
  for (const x of numbers) {
    const [a, b] = [x / 2 + whole.scale / 8, x / 2 - whole.scale / 8].map((part) =>
      realOf(codeOf(part, half), half),
    );
    expect(Math.abs(a + b - x)).toBeLessThanOrEqual(whole.scale / 4 + 1e-6);
  }
});

test("a net that 7 bits of its input would hurt reads two planes, and is better for it", async () => {
  const graph = edges();
  const samples = readSamples(graph, slope(12));
  const options = { samples, open, ranges, biasCorrection: false };
  const split = await withPlanes(graph, { ...options, inputError: 0.01 });
  expect(split.split).toEqual(["c"]);
  expect((await withPlanes(graph, { ...options, inputError: 10 })).split).toEqual([]);
  expect((await withPlanes(graph, { ...options, inputError: 0.01, keepF32: new Set(["c"]) })).split).toEqual(
    [],
  );
  const wanted = evaluate(graph, samples.inputs).y;
  const errors = [];
  for (const inputError of [10, 0.01]) {
    const { graph: int8, notes } = await quantizeGraph(graph, { ...options, inputError });
    expect(notes.get("c")).toBe(inputError === 10 ? undefined : "reads its input in two planes");
    using model = createModel(int8);
    const { y } = model.run(samples.inputs);
    errors.push(Math.hypot(...y.map((value, i) => value - wanted[i])));
  }
  expect(errors[1]).toBeLessThan(errors[0] * 0.7);
});

test("layers are ranked by what int8 does to them alone", async () => {
  const graph = edges(true);
  const ranked = await rankLayers(graph, { samples: readSamples(graph, slope(12)), open, ranges });
  expect(ranked.map(({ name }) => name).sort()).toEqual(["c", "y"]);
  expect(ranked[0].error).toBeGreaterThanOrEqual(ranked[1].error);
  expect(ranked[1].error).toBeGreaterThan(0);
});

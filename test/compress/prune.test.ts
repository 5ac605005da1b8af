import { describe, expect, test } from "vitest";
import { checkPruneSettings, type Pattern, type PruneKernels, pruneGraph } from "../../src/compress/prune.js";
import type { Graph } from "../../src/graph/index.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

/** Plain loops: the smallest magnitudes, or blocks of the smallest sums, whole. */
const kernels: PruneKernels = {
  pruneToSparsity(w, sparsity) {
    const order = Array.from(w.keys()).sort((a, b) => Math.abs(w[a]) - Math.abs(w[b]));
    for (const i of order.slice(0, Math.floor(w.length * sparsity))) w[i] = 0;
    return 0;
  },
  pruneBlocks(w, { inputs, outputs, pattern, sparsity = 0 }) {
    const [n, m] = pattern.includes(":") ? pattern.split(":").map(Number) : [0, 4];
    const columns = pattern === "4x4" ? 4 : 1;
    const blocks: { at: number[]; sum: number }[] = [];
    for (let i = 0; i < inputs; i += m) {
      for (let o = 0; o < outputs; o += columns) {
        const at: number[] = [];
        for (let k = i; k < Math.min(i + m, inputs); k++) {
          for (let c = o; c < Math.min(o + columns, outputs); c++) at.push(k * outputs + c);
        }
        blocks.push({ at, sum: at.reduce((sum, index) => sum + w[index] ** 2, 0) });
      }
    }
    if (n > 0) {
      for (const { at } of blocks) {
        at.sort((a, b) => Math.abs(w[b]) - Math.abs(w[a]));
        for (const index of at.slice(n)) w[index] = 0;
      }
      return 0;
    }
    blocks.sort((a, b) => a.sum - b.sum);
    for (const { at } of blocks.slice(0, Math.floor(blocks.length * sparsity))) {
      for (const index of at) w[index] = 0;
    }
    return 0;
  },
};

function graphWith(shape: readonly [number, number]): Graph {
  return graphOf({
    inputs: [{ name: "x", shape: [null, shape[0]] }],
    nodes: [node("layer", "dense", "x", { weights: { kernel: "k", bias: "b" } })],
    weights: { k: f32(shape, noise(shape[0] * shape[1])), b: f32([shape[1]], new Float32Array(shape[1])) },
  });
}

function zerosOf(graph: Graph, key = "k"): number {
  const data = graph.weights.get(key)?.data as Float32Array;
  return data.filter((value) => value === 0).length / data.length;
}

test.each(["unstructured", "1x4", "4x4"] as const)("%s prunes kernels to the sparsity", (pattern) => {
  const graph = graphWith([16, 8]);
  const before = graph.weights.get("k")?.data.slice();
  const { graph: pruned, skipped } = pruneGraph(graph, { sparsity: 0.75, pattern }, kernels);
  expect(zerosOf(pruned)).toBe(0.75);
  expect(skipped.size).toBe(0);
  expect(pruned.weights.get("b")).toBe(graph.weights.get("b"));
  // What was given is as it was.
  expect(graph.weights.get("k")?.data).toEqual(before);
});

test("n:m prunes by itself, and further to a sparsity", () => {
  const graph = graphWith([16, 8]);
  const { graph: pruned } = pruneGraph(graph, { sparsity: undefined, pattern: "4:16" }, kernels);
  expect(zerosOf(pruned)).toBe(0.75);
  const more = pruneGraph(graph, { sparsity: 0.875, pattern: "4:16" }, kernels).graph;
  expect(zerosOf(more)).toBe(0.875);
});

test.each([
  [0.9, 5, 4],
  [0.7, 5, 4],
  [0.07, 100, 7],
  [0.5, 1, 0],
])("a sparsity of %s of %i weights is %i zeros: reached, but never all", (sparsity, count, zeros) => {
  const { graph } = pruneGraph(graphWith([1, count]), { sparsity, pattern: "unstructured" }, kernels);
  expect(zerosOf(graph) * count).toBeCloseTo(zeros, 9);
});

test("without a sparsity nothing is pruned", () => {
  const graph = graphWith([16, 8]);
  for (const sparsity of [undefined, 0]) {
    for (const pattern of ["unstructured", "1x4", "4x4"] as const) {
      expect(pruneGraph(graph, { sparsity, pattern }, kernels).graph).toBe(graph);
    }
  }
});

test.each([
  ["1x4", [3, 8], "not pruned: 1x4 wants at least 4 inputs, got 3"],
  ["4x4", [16, 1], "not pruned: 4x4 wants at least 4 outputs, got 1"],
  ["4:16", [8, 8], "not pruned: 4:16 wants at least 16 inputs, got 8"],
] as const)("%s on a kernel of %o is skipped and said", (pattern, shape, why) => {
  const graph = graphWith(shape);
  const { graph: same, skipped } = pruneGraph(graph, { sparsity: 0.75, pattern }, kernels);
  expect(skipped.get("layer")).toBe(why);
  expect(same.weights.get("k")).toBe(graph.weights.get("k"));
});

test("a shared kernel is pruned once", () => {
  const graph = graphOf({
    inputs: [{ name: "x", shape: [null, 8] }],
    nodes: [
      node("a", "dense", "x", { weights: { kernel: "k" } }),
      node("b", "dense", "a", { weights: { kernel: "k" } }),
    ],
    weights: { k: f32([8, 8], noise(64)) },
  });
  let calls = 0;
  const counting: PruneKernels = {
    ...kernels,
    pruneToSparsity: (w, sparsity) => {
      calls += 1;
      return kernels.pruneToSparsity(w, sparsity);
    },
  };
  pruneGraph(graph, { sparsity: 0.5, pattern: "unstructured" }, counting);
  expect(calls).toBe(1);
});

describe("settings", () => {
  test.each([-0.1, 1, Number.NaN, 2])("sparsity %s is refused", (sparsity) => {
    expect(() => checkPruneSettings({ sparsity, pattern: "unstructured" })).toThrow(RangeError);
  });

  test.each(["2x2", "4:4", "0:4", "5:4", "1:", "a:b", "1:2000"])("pattern %s is refused", (pattern) => {
    expect(() => checkPruneSettings({ sparsity: 0.9, pattern: pattern as Pattern })).toThrow(
      /pattern: wanted/,
    );
  });

  test("a sparsity that n:m passes by itself is refused", () => {
    expect(() => checkPruneSettings({ sparsity: 0.5, pattern: "4:16" })).toThrow(/wanted at least 0.75/);
    expect(() => checkPruneSettings({ sparsity: 0.9, pattern: "1:10" })).not.toThrow();
  });
});

/** Ranges that are known in place of calibration, and what a plan says of its values. */

import { describe, expect, test } from "vitest";
import {
  isMadeInCodes,
  planQuantization,
  quantizeByRanges,
  rangedValues,
  readsCodes,
} from "../../src/compress/index.js";
import { checkGraph, type S8Weight } from "../../src/graph/index.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

const kernel = (rows: number, columns: number, seed: number) =>
  f32([rows, columns], noise(rows * columns, seed));

/** Two layers side by side, one of them a tanh, put together and read by a third. */
const graph = graphOf({
  inputs: [{ name: "x", shape: [null, 6] }],
  outputs: [{ name: "y", value: "y" }],
  nodes: [
    node("a", "dense", "x", { weights: { kernel: "a/kernel" }, attrs: { activation: "relu" } }),
    node("b", "dense", "x", { weights: { kernel: "b/kernel" }, attrs: { activation: "tanh" } }),
    node("both", "concat", ["a", "b"], { attrs: { axis: 1 } }),
    node("y", "dense", "both", { weights: { kernel: "y/kernel" } }),
  ],
  weights: { "a/kernel": kernel(6, 4, 1), "b/kernel": kernel(6, 4, 2), "y/kernel": kernel(8, 3, 3) },
});

const ranges = {
  x: { min: -1, max: 1 },
  a: { min: 0, max: 3 },
  b: { min: -1, max: 1 },
  "b/product": { min: -2, max: 2 },
};

describe("rangedValues", () => {
  test("values that share codes are one list, and a table's product is named after its layer", () => {
    const { groups, products } = rangedValues(planQuantization(graph));
    expect(groups.map((values) => [...values].sort())).toEqual([["x"], ["a", "b"]]);
    expect([...products]).toEqual([["b", "b/product"]]);
  });
});

test("integer layers make codes, and all but the graph's inputs are read as they are made", () => {
  const plan = planQuantization(graph);
  const names = (is: typeof readsCodes) =>
    plan.graph.nodes.filter((each) => is(plan, each)).map(({ name }) => name);
  expect(names(isMadeInCodes)).toEqual(["a", "b", "both"]);
  expect(names(readsCodes)).toEqual(["a", "b", "both", "y"]);
});

describe("quantizeByRanges", () => {
  test("a value has the range of all that share its codes", () => {
    const { graph: quantized } = quantizeByRanges(graph, ranges);
    checkGraph(quantized);
    const shared = quantized.quant.get("a");
    // -1 to 3: 31.75 codes below 0 are 32.
    expect(shared?.zero).toBe(32);
    expect(shared?.scale).toBeCloseTo(3 / 95, 6);
    expect(quantized.quant.get("b")).toEqual(shared);
    expect(quantized.quant.get("both")).toEqual(shared);
    expect(quantized.quant.get("x")?.scale).toBeCloseTo(1 / 63, 6);
    const table = quantized.nodes.find(({ name }) => name === "b");
    expect(table?.attrs.preScale).toBeCloseTo(2 / 63, 6);
    expect((quantized.weights.get("a/kernel") as S8Weight).dtype).toBe("s8");
  });

  test("layers that stay f32 need no ranges", () => {
    const { graph: quantized, notes } = quantizeByRanges(graph, {}, new Set(["a", "b", "y"]));
    expect(quantized.quant.size).toBe(0);
    expect(notes.get("a")).toBe("asked to stay f32");
  });

  test.each([
    ["a", undefined, "ranges: wanted one of value a, got none"],
    ["b/product", undefined, "ranges: wanted one of value b/product, got none"],
    ["x", { min: 1, max: -1 }, "ranges: x: wanted finite min <= max, got 1 and -1"],
    [
      "x",
      { min: 0, max: Number.POSITIVE_INFINITY },
      "ranges: x: wanted finite min <= max, got 0 and Infinity",
    ],
  ])("refuses %s of %o", (name, range, message) => {
    const wrong = Object.entries({ ...ranges, [name]: range }).filter(([, value]) => value !== undefined);
    expect(() => quantizeByRanges(graph, Object.fromEntries(wrong) as typeof ranges)).toThrow(message);
  });
});

import { describe, expect, test } from "vitest";
import { compareOutputs } from "../../../src/compress/fidelity/measure.js";
import { f32, graphOf, node } from "../../graph/helpers.js";

/** A graph whose output is a dense layer of some columns. */
function graphWith(columns: number, activation = "linear") {
  return graphOf({
    nodes: [node("dense", "dense", "x", { weights: { kernel: "kernel" }, attrs: { activation } })],
    weights: { kernel: f32([3, columns], new Float32Array(3 * columns)) },
  });
}

const compare = (columns: number, wanted: number[], got: number[], activation?: string) => {
  const outputs = (numbers: number[]) => new Map([["y", Float32Array.from(numbers)]]);
  const [row] = compareOutputs(
    graphWith(columns, activation),
    outputs(wanted),
    outputs(got),
    wanted.length / columns,
  );
  return row;
};

describe("an output against f32", () => {
  test("by relative RMS, cosine, the largest error and the class", () => {
    const row = compare(2, [3, 0, 0, 4], [3, 0, 4, 3]);
    expect(row.relativeRms).toBeCloseTo(Math.sqrt(17) / 5, 6);
    expect(row.cosine).toBeCloseTo((9 + 12) / (5 * Math.sqrt(34)), 6);
    expect(row.largestError).toBe(4);
    expect(row.agreement).toBe(0.5);
    expect(row.isConstant).toBeUndefined();
  });

  test("few samples leave more uncertainty, equal ones none", () => {
    const same = compare(1, [1, 1, 1, 1], [1.1, 1.1, 1.1, 1.1]);
    expect(same.upperRms).toBeCloseTo(same.relativeRms, 6);
    const uneven = compare(1, [1, 1, 1, 1], [1, 1, 1, 1.2]);
    expect(uneven.relativeRms).toBeCloseTo(0.1, 6);
    expect(uneven.upperRms).toBeGreaterThan(0.15);
  });

  test("a net that is silent is equal to one that is silent, and to no other", () => {
    expect(compare(1, [0, 0], [0, 0])).toMatchObject({ cosine: 1, relativeRms: 0 });
    expect(compare(1, [0, 0], [0, 1])).toMatchObject({ cosine: 0, relativeRms: Number.POSITIVE_INFINITY });
  });

  test("a score that is the same for all samples is a constant; what moves, has several numbers or no end is none", () => {
    expect(compare(1, [0.001, 0.004], [0.002, 0.002], "sigmoid").isConstant).toBe(true);
    expect(compare(1, [0.001, 0.4], [0.002, 0.002], "sigmoid").isConstant).toBeUndefined();
    expect(compare(2, [0.001, 0.001], [0.002, 0.002], "sigmoid").isConstant).toBeUndefined();
    expect(compare(1, [0.001, 0.004], [0.002, 0.002]).isConstant).toBeUndefined();
  });
});

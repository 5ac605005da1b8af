import { describe, expect, test } from "vitest";
import { goalOf, quantizeFaithfully, quantizeGraph, readSamples } from "../../../src/compress/index.js";
import { checkGraph, type Graph } from "../../../src/graph/index.js";
import { createModel } from "../../../src/runtime/index.js";
import { deepNet, pictures } from "../deep-nets.js";

const open = (graph: Graph, keep: readonly string[]) => createModel(graph, { keep });

const settings = {
  open,
  ranges: { method: "percentile", percentile: 99.99 },
  otherRanges: [{ method: "min-max" }, { method: "output-error" }],
  biasCorrection: true,
  equalization: true,
} as const;

function errorOf(graph: Graph, quantized: Graph, x: Float32Array): number {
  const run = (part: Graph) => {
    using model = createModel(part);
    return Object.values(model.run(x))[0].slice();
  };
  const [wanted, got] = [run(graph), run(quantized)];
  const power = (numbers: Float32Array) => numbers.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(power(got.map((value, i) => value - wanted[i])) / power(wanted));
}

describe("bias correction in deep nets", () => {
  // Corrections of several layers at once piled up: errors were 8 times those of none at 73 convolutions.
  test.each([7, 28, 36])("%i blocks: never much worse than none, better in most", async (blocks) => {
    const ratios: number[] = [];
    for (const seed of [1, 2, 3]) {
      const graph = deepNet({ blocks, seed });
      const samples = readSamples(graph, pictures(24, seed));
      const made = async (biasCorrection: boolean) =>
        (await quantizeGraph(graph, { ...settings, samples, biasCorrection })).graph;
      const [on, off] = [await made(true), await made(false)];
      const x = pictures(64, 90 + seed);
      ratios.push(errorOf(graph, on, x) / errorOf(graph, off, x));
    }
    expect(Math.max(...ratios)).toBeLessThan(1.5);
    expect(ratios.reduce((a, b) => a * b, 1)).toBeLessThan(1.2);
  });
});

describe("int8 with a goal", () => {
  test("raises layers of a deep net until outputs are as near as asked, and reports it", async () => {
    const graph = deepNet({ blocks: 36, uneven: 3 });
    const samples = readSamples(graph, pictures(40, 5));
    const plain = (await quantizeGraph(graph, { ...settings, samples })).graph;
    const x = pictures(64, 50);
    const {
      graph: made,
      fidelity,
      notes,
    } = await quantizeFaithfully(graph, { ...settings, samples, fidelity: 0.99 });
    checkGraph(made);
    expect(errorOf(graph, plain, x)).toBeGreaterThan(0.1);
    expect(errorOf(graph, made, x)).toBeLessThan(0.1);
    expect(fidelity.missed).toEqual([]);
    expect(fidelity).toMatchObject({ samples: 10, measuredOn: "set aside", goal: goalOf(0.99) });
    expect(fidelity.outputs[0].relativeRms).toBeLessThan(0.1);
    const { u7, twoPlanes, f32 } = fidelity.macs;
    expect(u7 + twoPlanes + f32).toBeCloseTo(1, 6);
    expect(fidelity.raised.length > 0 || fidelity.realSums).toBe(true);
    for (const name of fidelity.raised) expect(notes.get(name)).toContain("fidelity");
  });

  test("leaves a net alone that is near already", async () => {
    const graph = deepNet({ blocks: 1, uneven: 0 });
    const samples = readSamples(graph, pictures(40, 5));
    const { fidelity } = await quantizeFaithfully(graph, { ...settings, samples, fidelity: 0.99 });
    expect(fidelity.raised).toEqual([]);
    expect(fidelity.realSums).toBe(false);
    expect(fidelity.macs).toEqual({ u7: 1, twoPlanes: 0, f32: 0 });
  });

  test("measures on samples of a check, or on those of calibration where they are few", async () => {
    const graph = deepNet({ blocks: 1, uneven: 0 });
    const few = readSamples(graph, pictures(4, 5));
    const check = readSamples(graph, pictures(9, 6));
    const measured = async (check?: typeof few) =>
      (await quantizeFaithfully(graph, { ...settings, samples: few, check, fidelity: 0.99 })).fidelity;
    expect(await measured()).toMatchObject({ samples: 4, measuredOn: "calibration" });
    expect(await measured(check)).toMatchObject({ samples: 9, measuredOn: "check" });
  });
});

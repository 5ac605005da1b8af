import { describe, expect, test } from "vitest";
import { collectStatistics, type OpenRunner, readSamples } from "../../src/compress/calibrate.js";
import { createModel } from "../../src/runtime/index.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

const graph = graphOf({
  inputs: [
    { name: "a", shape: [null, 3] },
    { name: "b", shape: [null, 2] },
  ],
  nodes: [
    node("y", "dense", "a", { weights: { kernel: "k" } }),
    node("z", "unary", "b", { attrs: { fn: "relu" } }),
  ],
  outputs: [{ name: "y", value: "y" }],
  weights: { k: f32([3, 2], [1, 0, 0, 1, 0, 0]) },
});
const open: OpenRunner = (opened, keep) => createModel(opened, { keep });

test("statistics are over all samples, whatever the batches", async () => {
  const count = 150;
  const [a, b] = [noise(count * 3, 1), noise(count * 2, 2)];
  const done: number[] = [];
  const statistics = await collectStatistics(graph, ["a", "y", "z"], readSamples(graph, { a, b }), {
    open,
    onBatch: (samples) => done.push(samples),
  });
  const first = a.filter((_, i) => i % 3 === 0);
  const y = statistics.get("y");
  expect(y?.count).toBe(count * 2);
  expect(y?.mean[0]).toBeCloseTo(first.reduce((sum, x) => sum + x, 0) / count, 9);
  expect(y?.max).toBe(Math.max(...a.filter((_, i) => i % 3 !== 2)));
  expect(statistics.get("a")).toMatchObject({ min: Math.min(...a), max: Math.max(...a) });
  expect(statistics.get("z")?.min).toBe(0);
  expect(done).toEqual([64, 128, 150]);
});

test("the runner is closed also when a value is refused", async () => {
  let closed = 0;
  const counting: OpenRunner = (opened, keep) => {
    const model = createModel(opened, { keep });
    return {
      run: (x) => model.run(x),
      value: (name) => model.value(name),
      dispose: () => {
        closed += 1;
      },
    };
  };
  const samples = readSamples(graph, { a: [1, 2, Number.NaN], b: [1, 2] });
  await expect(collectStatistics(graph, ["a"], samples, { open: counting })).rejects.toThrow(
    /value a, got NaN/,
  );
  expect(closed).toBe(1);
});

describe("samples", () => {
  const one = graphOf({});

  test("are numbers of any kind, alone or by name", () => {
    expect(readSamples(one, [1, 2, 3, 4, 5, 6])).toEqual({
      count: 2,
      inputs: { x: Float32Array.of(1, 2, 3, 4, 5, 6) },
    });
    expect(readSamples(one, { x: Uint8Array.of(7, 8, 9) }).inputs.x).toEqual(Float32Array.of(7, 8, 9));
  });

  test("of the wrong form are refused by name", () => {
    expect(() => readSamples(one, new Float32Array(4))).toThrow("x: wanted a multiple of 3 numbers");
    expect(() => readSamples(one, [])).toThrow(/at least one sample, got 0/);
    expect(() => readSamples(one, { other: [1] })).toThrow("wanted inputs x, got other");
    expect(() => readSamples(one, {})).toThrow("input x is missing");
    expect(() => readSamples(one, { x: "abc" as never })).toThrow(TypeError);
    expect(() => readSamples(one, 3 as never)).toThrow(TypeError);
    expect(() => readSamples(graph, [1, 2, 3])).toThrow("arrays by input name (a, b), got one array");
    expect(() => readSamples(graph, { a: [1, 2, 3], b: [1, 2, 3, 4] })).toThrow(
      "b: wanted 1 samples as in the other inputs, got 2",
    );
  });
});

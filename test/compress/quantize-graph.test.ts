import { describe, expect, test } from "vitest";
import {
  collectStatistics,
  type OpenRunner,
  planQuantization,
  type QuantizeOptions,
  quantizeGraph,
  readSamples,
} from "../../src/compress/index.js";
import { checkGraph, type Graph, maxDepth, simplify } from "../../src/graph/index.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { createModel } from "../../src/runtime/index.js";
import { evaluate } from "../graph/evaluate.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";
import { variantsHere } from "../kernels/variants.js";

const open: OpenRunner = (graph, keep) => createModel(graph, { keep });

const inputs = 12;
const width = 16;

/** A dense of the test net: [inputs or width, width] with weights of its own. */
function dense(name: string, input: string, activation: string, numbers = {}) {
  const weights = { kernel: `${name}/kernel`, bias: `${name}/bias` };
  return node(name, "dense", input, { weights, attrs: { activation, ...numbers } });
}

function weightsFor(sizes: Readonly<Record<string, readonly [number, number]>>) {
  const entries = Object.entries(sizes).flatMap(([name, [rows, columns]], i) => [
    [`${name}/kernel`, f32([rows, columns], noise(rows * columns, 10 + i))] as const,
    [`${name}/bias`, f32([columns], noise(columns, 50 + i))] as const,
  ]);
  return Object.fromEntries(entries);
}

function dataOf(graph: Graph, key: string): Float32Array {
  return graph.weights.get(key)?.data as Float32Array;
}

const input = [{ name: "x", shape: [null, inputs] }];

async function quantize(graph: Graph, parts: Partial<QuantizeOptions> = {}) {
  const samples = readSamples(graph, noise(inputs * 200, 77));
  const { graph: quantized } = await quantizeGraph(graph, {
    samples,
    open,
    ranges: { method: "percentile", percentile: 99.99 },
    biasCorrection: false,
    ...parts,
  });
  checkGraph(quantized);
  return quantized;
}

/** Relative RMS of each output against f64, on samples that calibration has not seen; reference variant too. */
function expectNear(graph: Graph, quantized: Graph, bound: number, x = noise(inputs * 100, 123)): void {
  const wanted = evaluate(graph, { x });
  const results = variantsHere(runtimeSet).map((variant) => {
    using model = createModel(quantized, { variant });
    return Object.fromEntries(Object.entries(model.run({ x })).map(([name, data]) => [name, data.slice()]));
  });
  for (const result of results) expect(result).toEqual(results[0]);
  for (const [name, data] of Object.entries(wanted)) {
    let [off, all] = [0, 0];
    data.forEach((value, i) => {
      off += (results[0][name][i] - value) ** 2;
      all += value ** 2;
    });
    expect(Math.sqrt(off / all), name).toBeLessThan(bound);
  }
}

function chain(activation: string, numbers = {}): Graph {
  return graphOf({
    inputs: input,
    nodes: [
      dense("first", "x", activation, numbers),
      dense("second", "first", activation, numbers),
      dense("last", "second", "linear"),
      node("y", "softmax", "last"),
    ],
    weights: weightsFor({ first: [inputs, width], second: [width, width], last: [width, 5] }),
  });
}

test.each([
  ["linear", {}],
  ["relu", {}],
  ["relu", { maxValue: 1.5 }],
  ["relu6", {}],
  ["sigmoid", {}],
  ["tanh", {}],
  ["swish", {}],
  ["gelu", {}],
  ["leakyRelu", { alpha: 0.2 }],
  ["elu", { alpha: 0.7 }],
  ["softplus", {}],
])("a chain with %s %o stays near f32", async (activation, numbers) => {
  const graph = chain(activation, numbers);
  const quantized = await quantize(graph);
  expectNear(graph, quantized, 0.05);
  const tables = quantized.nodes.filter(({ weights }) => weights.table !== undefined);
  expect(tables).toHaveLength(["linear", "relu", "relu6"].includes(activation) ? 0 : 2);
  // Softmax and what it reads are f32.
  expect([...quantized.quant.keys()].sort()).toEqual(["first", "second", "x"]);
  if (activation.startsWith("relu")) expect(quantized.quant.get("first")?.zero).toBe(0);
});

test("mse and min-max go the same way", async () => {
  const graph = chain("tanh");
  for (const method of ["mse", "min-max"] as const) {
    expectNear(graph, await quantize(graph, { ranges: { method } }), 0.05);
  }
});

test("features in units of their own: their normalization stays in f32, and is what has codes", async () => {
  const means = Float64Array.from({ length: inputs }, (_, c) => 3 * 4 ** (c % 6));
  const features = (count: number, seed: number) =>
    noise(inputs * count, seed).map((value, i) => means[i % inputs] * (1 + value / 2));
  const before = graphOf({
    inputs: input,
    nodes: [
      node("n", "affine", "x", { weights: { scale: "s", offset: "o" } }),
      dense("first", "n", "relu"),
      dense("last", "first", "linear"),
    ],
    weights: {
      ...weightsFor({ first: [inputs, width], last: [width, 5] }),
      s: f32(
        [inputs],
        means.map((mean) => 2 / mean),
      ),
      o: f32([inputs], new Array(inputs).fill(-2)),
    },
  });
  const graph = simplify(before);
  const samples = readSamples(graph, features(200, 77));
  const quantized = await quantize(graph, { samples });
  expect([...quantized.quant.keys()].sort()).toEqual(["first", "n"]);
  expectNear(before, quantized, 0.05, features(100, 123));
});

describe("graphs that are no chains", () => {
  test("a value that is output and input of a layer stays unrounded as output", async () => {
    const graph = graphOf({
      inputs: input,
      nodes: [dense("first", "x", "sigmoid"), dense("last", "first", "linear")],
      outputs: [
        { name: "features", value: "first" },
        { name: "y", value: "last" },
      ],
      weights: weightsFor({ first: [inputs, width], last: [width, 5] }),
    });
    const quantized = await quantize(graph);
    expect(quantized.quant.has("first")).toBe(false);
    expectNear(graph, quantized, 0.03);
    const x = noise(inputs * 50, 5);
    using model = createModel(quantized);
    expect(new Set(model.run({ x }).features).size).toBeGreaterThan(128);
  });

  test("reshapes share parameters; a unary between products is a table", async () => {
    const graph = graphOf({
      inputs: input,
      nodes: [
        dense("first", "x", "linear"),
        node("square", "reshape", "first", { attrs: { shape: [null, 4, 4] } }),
        node("bent", "unary", "square", { attrs: { fn: "tanh" } }),
        node("straight", "unary", "first", { attrs: { fn: "relu" } }),
        dense("inner", "bent", "relu"),
        node("flat", "reshape", "inner", { attrs: { shape: [null, 12] } }),
        dense("last", "flat", "linear"),
        dense("other", "straight", "linear"),
      ],
      outputs: [
        { name: "y", value: "last" },
        { name: "z", value: "other" },
      ],
      weights: weightsFor({ first: [inputs, width], inner: [4, 3], last: [12, 5], other: [width, 2] }),
    });
    const quantized = await quantize(graph);
    expectNear(graph, quantized, 0.05);
    const { quant } = quantized;
    expect(quant.get("square")).toEqual(quant.get("first"));
    expect(quant.get("flat")).toEqual(quant.get("inner"));
    expect(quantized.nodes.filter(({ weights }) => weights.table).map(({ name }) => name)).toEqual([
      "bent",
      "straight",
    ]);
    using model = createModel(quantized);
    expect(model.steps().filter((step) => step.includes("u7_table"))).toHaveLength(2);
  });

  test("f32 ops between products read and write real numbers", async () => {
    const graph = graphOf({
      inputs: input,
      nodes: [
        dense("first", "x", "relu"),
        node("scaled", "affine", "first", { weights: { scale: "s", offset: "t" } }),
        node("bent", "unary", "scaled", { attrs: { fn: "sigmoid" } }),
        dense("last", "bent", "linear"),
      ],
      weights: {
        ...weightsFor({ first: [inputs, width], last: [width, 5] }),
        s: f32([width], noise(width, 3)),
        t: f32([width], noise(width, 4)),
      },
    });
    const quantized = await quantize(graph);
    expectNear(graph, quantized, 0.03);
    expect([...quantized.quant.keys()].sort()).toEqual(["bent", "x"]);
  });

  test("layers that share a kernel share its codes, with biases of their own", async () => {
    const weights = weightsFor({ first: [inputs, inputs] });
    const graph = graphOf({
      inputs: input,
      nodes: [
        dense("first", "x", "relu"),
        { ...dense("first", "first", "linear"), name: "again" },
        { ...dense("first", "again", "linear"), name: "y" },
      ],
      weights,
    });
    const quantized = await quantize(graph);
    expectNear(graph, quantized, 0.05);
    expect(quantized.nodes.map(({ weights: { kernel } }) => kernel)).toEqual(Array(3).fill("first/kernel"));
    expect(new Set(quantized.nodes.map(({ weights: { bias } }) => bias)).size).toBe(3);
  });
});

test("layers that may not be s8 stay f32 and say why", () => {
  const depth = maxDepth + 1;
  const graph = graphOf({
    inputs: [{ name: "x", shape: [null, depth] }],
    nodes: [dense("first", "x", "relu"), dense("last", "first", "linear")],
    weights: weightsFor({ first: [depth, 1], last: [1, 1] }),
  });
  const plan = planQuantization(graph);
  expect(plan.layers.map(({ node: { name } }) => name)).toEqual(["last"]);
  expect(plan.kept.get("first")).toBe(`its sums of ${depth} products may leave i32: at most ${maxDepth} fit`);
});

test("a layer asked to stay f32 keeps its weights to the bit", async () => {
  const graph = chain("relu");
  const quantized = await quantize(graph, { keepF32: new Set(["second"]) });
  expect(quantized.weights.get("second/kernel")).toBe(graph.weights.get("second/kernel"));
  expect([...quantized.quant.keys()].sort()).toEqual(["x", "second"].sort());
  expectNear(graph, quantized, 0.05);
});

test("zeros of the weights are zeros of the codes", async () => {
  const graph = chain("relu");
  const kernel = dataOf(graph, "second/kernel");
  kernel.forEach((_, i) => {
    if (i % 4 !== 0) kernel[i] = 0;
  });
  const codes = (await quantize(graph)).weights.get("second/kernel")?.data as Int8Array;
  kernel.forEach((value, i) => {
    if (value === 0) expect(codes[i]).toBe(0);
  });
});

describe("bias correction", () => {
  /** Coarse on purpose: one large weight makes all others of its channel round badly, the same way. */
  function coarse(): Graph {
    const graph = chain("relu");
    for (const key of ["first/kernel", "second/kernel"]) {
      const data = dataOf(graph, key);
      data.forEach((value, i) => {
        data[i] = i < width ? 40 : 0.16 + Math.abs(value) * 0.2;
      });
    }
    return graph;
  }

  test("leaves little mean error in any channel of the last product where samples agree in it", async () => {
    const graph = coarse();
    const samples = readSamples(
      graph,
      noise(inputs * 300, 6).map((x) => x / 30 + 1),
    );
    const wanted = await collectStatistics(graph, ["last"], samples, { open });
    const offs = await Promise.all(
      [false, true].map(async (biasCorrection) => {
        const quantized = await quantize(graph, { samples, biasCorrection });
        const got = await collectStatistics(quantized, ["last"], samples, { open });
        const means = got.get("last")?.mean as Float64Array;
        return Math.max(...means.map((mean, i) => Math.abs(mean - (wanted.get("last")?.mean[i] as number))));
      }),
    );
    // What is left stands by what samples differ in: see bias-correction.ts.
    expect(offs[1]).toBeLessThan(offs[0] / 15);
  });
});

test("NaN in calibration is refused by the name of the value", async () => {
  const graph = chain("relu");
  const data = noise(inputs * 3);
  data[5] = Number.NaN;
  await expect(quantize(graph, { samples: readSamples(graph, data) })).rejects.toThrow(
    "calibration: wanted finite numbers in value x, got NaN",
  );
  const large = new Float32Array(inputs).fill(3e38);
  await expect(quantize(graph, { samples: readSamples(graph, large) })).rejects.toThrow(
    /finite numbers in value (first|second|last)\S*, got (-?Infinity|NaN)/,
  );
});

test("a value too large for the scales of a file is refused by name", async () => {
  const graph = chain("relu");
  dataOf(graph, "first/kernel")[3] = 3e36;
  await expect(quantize(graph)).rejects.toThrow(
    /u7 parameters of first: wanted a scale that is a positive, normal f32 below 2\^53, got \d/,
  );
});

test("samples of zeros and layers that are dead give graphs that run", async () => {
  const graph = chain("relu");
  dataOf(graph, "first/kernel").fill(0);
  dataOf(graph, "first/bias").fill(-1);
  const quantized = await quantize(graph, {
    samples: readSamples(graph, new Float32Array(inputs * 2)),
    biasCorrection: true,
  });
  expectNear(graph, quantized, 0.05);
});

test("an aborted signal stops between batches, and between layers", async () => {
  const graph = chain("tanh");
  const samples = readSamples(graph, noise(inputs * 200, 77));
  for (const stage of ["calibrate", "correct"]) {
    const controller = new AbortController();
    const seen: string[] = [];
    const run = quantize(graph, {
      samples,
      biasCorrection: true,
      signal: controller.signal,
      onProgress: (at) => {
        seen.push(at);
        if (at === stage) controller.abort(new Error("enough"));
      },
    });
    await expect(run).rejects.toThrow("enough");
    expect(seen.filter((at) => at === stage)).toHaveLength(1);
  }
});

test("recurrent cells and embeddings compute in f32, with weights stored in s8", async () => {
  const graph = graphOf({
    inputs: [{ name: "x", shape: [null, 6] }],
    nodes: [
      node("e", "embedding", "x", { weights: { embeddings: "table" } }),
      node("l", "lstm", "e", { weights: { kernel: "k", recurrent: "r", bias: "b" } }),
      node("y", "dense", "l", { weights: { kernel: "w" } }),
    ],
    weights: {
      table: f32([9, 4], noise(36, 1)),
      k: f32([4, 20], noise(80, 2)),
      r: f32([5, 20], noise(100, 3)),
      b: f32([20], noise(20, 4)),
      w: f32([5, 3], noise(15, 5)),
    },
  });
  const words = Float32Array.from({ length: 6 * 30 }, (_, i) => (i * 5) % 9);
  const options = { samples: readSamples(graph, words), open, biasCorrection: true } as const;
  const ranges = { method: "percentile", percentile: 100 } as const;
  const { graph: quantized, notes } = await quantizeGraph(graph, { ...options, ranges });
  checkGraph(quantized);
  const types = ["table", "k", "r", "b", "w"].map((key) => quantized.weights.get(key)?.dtype);
  expect(types).toEqual(["s8", "s8", "s8", "f32", "s8"]);
  expect(notes.get("l")).toBe("a recurrent cell runs in f32, its weights are stored in s8");
  using model = createModel(quantized);
  const wanted = evaluate(graph, { x: words }).y;
  model.run({ x: words }).y.forEach((value, i) => {
    expect(Math.abs(value - wanted[i])).toBeLessThan(0.05);
  });
  const kept = await quantizeGraph(graph, { ...options, ranges, keepF32: new Set(["l"]) });
  expect(kept.graph.weights.get("r")?.dtype).toBe("f32");
});

import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { csvMatrix, parseCsv } from "../src/data/index.js";
import {
  type CompressOptions,
  compress,
  createModel,
  describePare,
  importModel,
  load,
  type ModelArtifacts,
  readArtifacts,
} from "../src/index.js";
import { runtimeSet } from "../src/kernels/runtime-set.js";
import { artifactsOf, noise, randomize } from "./graph/helpers.js";
import { variantsHere } from "./kernels/variants.js";

beforeAll(() => tf.setBackend("cpu"));

type Results = Readonly<Record<string, Float32Array>>;

const variants = variantsHere(runtimeSet);

function copy(results: Results): Results {
  return Object.fromEntries(Object.entries(results).map(([name, data]) => [name, data.slice()]));
}

function hashOf(results: Results): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(results).sort()) hash.update(name).update(results[name]);
  return hash.digest("hex");
}

function relativeError(got: Float32Array, wanted: Float32Array): number {
  let [off, all] = [0, 0];
  wanted.forEach((value, i) => {
    off += (got[i] - value) ** 2;
    all += value ** 2;
  });
  return Math.sqrt(off / all);
}

/** tfjs' own predictions, in the order of its outputs. */
function predict(model: tf.LayersModel, x: Float32Array): Float32Array[] {
  const [, ...shape] = model.inputs[0].shape as number[];
  const size = shape.reduce((product, dim) => product * dim, 1);
  const result = tf.tidy(() => {
    const made = model.predict(tf.tensor(x, [x.length / size, ...shape]));
    return (Array.isArray(made) ? made : [made]).map((tensor) => tensor.dataSync() as Float32Array);
  });
  return result;
}

const inputs = 20;

function sequential(activation: string): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 32, activation: activation as "relu", inputShape: [inputs] }),
      tf.layers.batchNormalization(),
      tf.layers.dropout({ rate: 0.5 }),
      tf.layers.dense({ units: 24, activation: activation as "relu" }),
      tf.layers.dense({ units: 6, activation: "softmax" }),
    ],
  });
  randomize(model);
  return model;
}

function functional(): tf.LayersModel {
  const x = tf.input({ shape: [inputs] });
  const hidden = tf.layers.dense({ units: 16, activation: "relu" }).apply(x) as tf.SymbolicTensor;
  const shaped = tf.layers.reshape({ targetShape: [4, 4] }).apply(hidden) as tf.SymbolicTensor;
  const rows = tf.layers.dense({ units: 5, activation: "tanh" }).apply(shaped) as tf.SymbolicTensor;
  const norm = tf.layers.batchNormalization().apply(rows) as tf.SymbolicTensor;
  const flat = tf.layers.flatten().apply(norm) as tf.SymbolicTensor;
  const inner = tf.sequential({
    layers: [
      tf.layers.dense({ units: 12, inputShape: [20] }),
      tf.layers.leakyReLU({ alpha: 0.1 }),
      tf.layers.dense({ units: 3, activation: "sigmoid" }),
    ],
  });
  const left = inner.apply(flat) as tf.SymbolicTensor;
  const right = tf.layers.dense({ units: 2 }).apply(hidden) as tf.SymbolicTensor;
  const model = tf.model({ inputs: x, outputs: [left, right, hidden] });
  randomize(model);
  return model;
}

const calibration = noise(inputs * 200, 31);
const fresh = noise(inputs * 60, 32);

/** Nets of random weights: what int8 costs them is chance, and no layer is to become f32 for it. */
async function compressed(model: tf.LayersModel, options: CompressOptions = {}) {
  return compress(await artifactsOf(model), { calibration, fidelity: "off", ...options });
}

/** Runs the graph as made and as read back from its file, in every variant: one hash for all. */
async function expectOneHash(
  result: Awaited<ReturnType<typeof compress>>,
  x: Float32Array,
): Promise<Results> {
  const bytes = await result.bytes();
  const runs: Results[] = [];
  for (const variant of variants) {
    using direct = result.createModel({ variant });
    using loaded = await load(bytes, { variant });
    runs.push(copy(direct.run(x)), copy(loaded.run(x)));
    // Row by row is another kernel than all at once.
    const size = x.length / 60;
    const [first] = Object.values(direct.run(x.subarray(0, size)));
    expect(first).toEqual(Object.values(runs[0])[0].subarray(0, first.length));
  }
  expect(new Set(runs.map(hashOf))).toEqual(new Set([hashOf(runs[0])]));
  return runs[0];
}

describe("int8", () => {
  test.each(["relu", "relu6", "sigmoid", "tanh", "swish", "elu"])(
    "Sequential with %s",
    async (activation) => {
      const model = sequential(activation);
      const result = await compressed(model);
      const got = await expectOneHash(result, fresh);
      const [wanted] = predict(model, fresh);
      expect(relativeError(Object.values(got)[0], wanted)).toBeLessThan(0.06);
      expect(result.layers.map(({ bits }) => bits)).toEqual([8, 8, 8]);
    },
  );

  test("functional, nested, several outputs", async () => {
    const model = functional();
    const result = await compressed(model);
    const got = await expectOneHash(result, fresh);
    predict(model, fresh).forEach((wanted, i) => {
      expect(relativeError(got[model.outputNames[i]], wanted), model.outputNames[i]).toBeLessThan(0.06);
    });
    expect(result.layers.every(({ bits }) => bits === 8)).toBe(true);
  });

  test("several inputs, calibrated by name", async () => {
    const [a, b] = [tf.input({ shape: [inputs], name: "a" }), tf.input({ shape: [4], name: "b" })];
    const left = tf.layers.dense({ units: 8, activation: "relu" }).apply(a) as tf.SymbolicTensor;
    const right = tf.layers.dense({ units: 3, activation: "tanh" }).apply(b) as tf.SymbolicTensor;
    const model = tf.model({ inputs: [a, b], outputs: [left, right] });
    randomize(model);
    const named = { a: noise(inputs * 50, 1), b: noise(4 * 50, 2) };
    const result = await compressed(model, { calibration: named });
    using runner = result.createModel();
    const got = runner.run(named);
    const wanted = model.predict([tf.tensor2d(named.a, [50, inputs]), tf.tensor2d(named.b, [50, 4])]);
    (wanted as tf.Tensor[]).forEach((tensor, i) => {
      expect(relativeError(got[model.outputNames[i]], tensor.dataSync() as Float32Array)).toBeLessThan(0.03);
    });
    await expect(compressed(model)).rejects.toThrow(/arrays by input name \(a, b\), got one array/);
  });

  test("every way to choose ranges, with and without bias correction", async () => {
    const model = sequential("tanh");
    const [wanted] = predict(model, fresh);
    for (const activations of ["percentile", "mse", "min-max"] as const) {
      for (const biasCorrection of [true, false]) {
        using runner = (await compressed(model, { activations, biasCorrection })).createModel();
        expect(relativeError(Object.values(runner.run(fresh))[0], wanted)).toBeLessThan(0.06);
      }
    }
  });
});

describe("f32", () => {
  test("keeps weights and results to the bit", async () => {
    const model = sequential("relu");
    const result = await compress(await artifactsOf(model), { precision: "f32" });
    const got = await expectOneHash(result, fresh);
    const [wanted] = predict(model, fresh);
    expect(relativeError(Object.values(got)[0], wanted)).toBeLessThan(1e-5);
    expect(result.layers.map(({ bits }) => bits)).toEqual([32, 32, 32]);
    expect(result.graph.quant.size).toBe(0);
  });
});

describe("sparsity", () => {
  test.each([
    ["unstructured", 0.8],
    ["1x4", 0.75],
    ["4x4", 0.75],
    ["4:16", undefined],
  ] as const)("%s %s: kernels reach it, biases stay, the result runs", async (pattern, sparsity) => {
    const model = sequential("relu");
    const options = { pattern, scope: "local", ...(sparsity !== undefined && { sparsity }) } as const;
    for (const precision of ["int8", "f32"] as const) {
      const result = await compressed(model, { ...options, precision });
      await expectOneHash(result, fresh);
      // The second layer, [32, 24], divides by every pattern.
      expect(result.layers[1].sparsity).toBeGreaterThanOrEqual(sparsity ?? 0.75);
      expect(result.layers[1].sparsity).toBeLessThan((sparsity ?? 0.75) + 0.05);
      const bias = result.graph.weights.get(result.graph.nodes[1].weights.bias)?.data as Float32Array;
      expect(bias.every((value) => value !== 0)).toBe(true);
    }
  });

  test("a model that is sparse already stays so, and its zeros count", async () => {
    const model = sequential("relu");
    const weights = model.getWeights().map((tensor) => {
      if (tensor.rank !== 2) return tensor;
      return tf.tensor(
        tensor.dataSync().map((value, i) => (i % 10 < 7 ? 0 : value)),
        tensor.shape,
      );
    });
    model.setWeights(weights);
    const plain = await compressed(model);
    const zeros = (graph: typeof plain.graph) =>
      graph.nodes
        .filter(({ op }) => op === "dense")
        .map(({ weights: { kernel } }) => graph.weights.get(kernel)?.data as Int8Array);
    const kernels = weights.filter(({ rank }) => rank === 2).map((tensor) => tensor.dataSync());
    zeros(plain.graph).forEach((codes, layer) => {
      kernels[layer].forEach((value, i) => {
        if (value === 0) expect(codes[i]).toBe(0);
      });
    });
    // 0.7 are zeros: asking for as many changes nothing.
    const same = await compressed(model, { sparsity: 0.65 });
    expect(await same.createModel().run(fresh)).toEqual(plain.createModel().run(fresh));
    const more = await compressed(model, { sparsity: 0.9, scope: "local" });
    for (const { sparsity } of more.layers) expect(sparsity).toBeGreaterThanOrEqual(0.89);
  });

  test("by default the whole has the sparsity, and what is left dense is named", async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 64, activation: "relu", inputShape: [inputs] }),
        tf.layers.dense({ units: 64, activation: "relu" }),
        tf.layers.dense({ units: 1 }),
      ],
    });
    const { layers, graph } = await compressed(model, { sparsity: 0.8, precision: "f32" });
    const kernels = graph.nodes.flatMap(({ weights: { kernel } }) => graph.weights.get(kernel)?.data ?? []);
    const zeros = kernels.reduce((sum, data) => sum + data.filter((value) => value === 0).length, 0);
    const all = kernels.reduce((sum, { length }) => sum + length, 0);
    expect(zeros).toBe(Math.ceil(0.8 * all));
    expect(layers[2].sparsity).toBe(0);
    expect(layers[2].note).toBe(`not pruned: tiny: 64 of ${all} weights`);
    const own = await compressed(model, { sparsity: 0.8, targets: { [layers[2].name]: 0.5 } });
    expect(own.layers[2].sparsity).toBeGreaterThanOrEqual(0.5);
    const wrong = compressed(model, { targets: { nowhere: 0.5 } });
    await expect(wrong).rejects.toThrow(/targets: wanted names of layers \(.*, got nowhere/);
  });

  test("layers that have no room for the pattern are named", async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 16, activation: "relu", inputShape: [inputs] }),
        tf.layers.dense({ units: 1 }),
      ],
    });
    const { layers } = await compressed(model, { sparsity: 0.75, pattern: "4x4" });
    expect(layers.map(({ note }) => note)).toEqual([
      undefined,
      "not pruned: 4x4 wants at least 4 outputs, got 1",
    ]);
    expect(layers[1].sparsity).toBeLessThan(0.3);
  });
});

describe("fidelity", () => {
  test("of int8 is measured on samples set aside, or on those of a check, and kept in the result", async () => {
    const model = sequential("relu");
    const { fidelity, layers } = await compressed(model, { fidelity: 0.99 });
    expect(fidelity?.measuredOn).toBe("set aside");
    expect(fidelity?.missed).toEqual([]);
    for (const { cosine, relativeRms } of fidelity?.outputs ?? []) {
      expect(cosine).toBeGreaterThanOrEqual(0.99);
      expect(relativeRms).toBeLessThanOrEqual(0.1);
    }
    const { u7 = 0, f32 = 0 } = fidelity?.macs ?? {};
    expect(u7 + f32).toBeCloseTo(1, 6);
    for (const { bits, note } of layers) expect(bits === 8 || note?.includes("fidelity")).toBe(true);
    const checked = await compressed(model, { fidelity: 0.99, check: calibration.slice(0, 5 * inputs) });
    expect(checked.fidelity).toMatchObject({ measuredOn: "check", samples: 5 });
  });

  test("is not measured where nobody asks or nothing is int8", async () => {
    expect((await compressed(sequential("relu"))).fidelity).toBeUndefined();
    const f32 = await compressed(sequential("relu"), { fidelity: 0.99, precision: "f32" });
    expect(f32.fidelity).toBeUndefined();
  });

  test("pruning by itself is measured where it is asked for", async () => {
    const { pruning } = await compressed(sequential("relu"), { sparsity: 0.9 });
    expect(pruning?.[0].relativeRms).toBeGreaterThan(0.05);
    expect((await compressed(sequential("relu"))).pruning).toBeUndefined();
  });

  test.each([0.4, 1, Number.NaN])("%s is no goal", async (fidelity) => {
    await expect(compressed(sequential("relu"), { fidelity })).rejects.toThrow(/fidelity: wanted a cosine/);
  });

  test("samples of a check that do not fit are refused by that name", async () => {
    const refused = compressed(sequential("relu"), { fidelity: 0.99, check: new Float32Array(inputs + 1) });
    await expect(refused).rejects.toThrow(/^check: /);
  });
});

describe("the result", () => {
  test("the same input makes the same bytes, in every variant", async () => {
    const artifacts = await artifactsOf(sequential("tanh"));
    const files = await Promise.all(
      [undefined, ...variants].map(async (variant) => {
        const options = { calibration, sparsity: 0.5, ...(variant && { variant }) };
        return (await compress(artifacts, options)).bytes();
      }),
    );
    for (const file of files) expect(file).toEqual(files[0]);
  });

  test("the file says where it is from", async () => {
    const options = { sparsity: 0.5, pattern: "1x4", created: "2024-02-29", percentile: 99.9 } as const;
    const result = await compressed(sequential("relu"), options);
    const bytes = await result.bytes({ before: 0.9, after: 0.89 });
    expect(describePare(bytes).provenance).toEqual({
      versions: { pare: JSON.parse(readFileSync("package.json", "utf8")).version },
      recipe: {
        precision: "int8",
        sparsity: 0.5,
        pattern: "1x4",
        scope: "auto",
        samples: 200,
        activations: "percentile",
        percentile: 99.9,
        biasCorrection: true,
        equalization: true,
      },
      created: "2024-02-29",
      accuracy: { before: 0.9, after: 0.89 },
    });
  });

  test("layers are reported with what they take in the file", async () => {
    const result = await compressed(sequential("relu"));
    const { fileBytes, weights } = describePare(await result.bytes());
    expect(result.layers.map(({ op, shape, macs }) => ({ op, shape, macs }))).toEqual([
      { op: "dense relu", shape: [20, 32], macs: 640 },
      { op: "dense relu", shape: [32, 24], macs: 768 },
      { op: "dense", shape: [24, 6], macs: 144 },
    ]);
    const bytes = result.layers.reduce((sum, layer) => sum + layer.bytes, 0);
    expect(bytes).toBe(weights.reduce((sum, { storedBytes }) => sum + storedBytes, 0));
    expect(bytes).toBeLessThan(fileBytes);
  });

  test("is saved whole", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pare-compress-"));
    try {
      const result = await compressed(sequential("relu"));
      await result.save(join(folder, "model.pare"));
      expect(new Uint8Array(readFileSync(join(folder, "model.pare")))).toEqual(await result.bytes());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("progress only grows, up to 1", async () => {
    const seen: number[] = [];
    await compressed(sequential("relu"), { onProgress: ({ done }) => seen.push(done) });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
    expect(new Set(seen).size).toBeGreaterThan(5);
  });
});

describe("refuses", () => {
  const artifacts = () => artifactsOf(sequential("relu"));

  test.each([
    ["no samples", { calibration: undefined }, /int8 wants samples/],
    ["a precision that is none", { precision: "int4" }, /precision: wanted int8 or f32, got int4/],
    ["a sparsity of all", { sparsity: 1 }, /sparsity: wanted/],
    ["a pattern that is none", { pattern: "3x3" }, /pattern: wanted/],
    ["ranges that are none", { activations: "best" }, /activations: wanted/],
    ["a percentile below half", { percentile: 20 }, /percentile: wanted/],
    ["a part of a sample", { calibration: new Float32Array(3) }, /multiple of 20 numbers/],
    ["NaN", { calibration: new Float32Array(20).fill(Number.NaN) }, /numbers in value .*_input, got NaN/],
  ])("%s", async (_title, options, message) => {
    const run = compress(await artifacts(), { calibration, ...options } as CompressOptions);
    await expect(run).rejects.toThrow(message);
    await expect(run).rejects.toBeInstanceOf(RangeError);
  });

  test("what is no model", async () => {
    await expect(compress(7 as never, { calibration })).rejects.toThrow(TypeError);
    await expect(compress("http://example.com/model.json", { calibration })).rejects.toThrow(/remote|allow/i);
  });

  test("an option that there is not", async () => {
    const run = compress(await artifacts(), { calibrate: calibration } as never);
    await expect(run).rejects.toThrow(/compress: wanted one of the options calibration, .*, got calibrate/);
  });

  test("weights that are no numbers, by the name of the layer", async () => {
    const model = sequential("relu");
    const [kernel, ...others] = model.getWeights();
    const data = kernel.dataSync().slice();
    data[3] = Number.NaN;
    model.setWeights([tf.tensor(data, kernel.shape), ...others]);
    await expect(compressed(model)).rejects.toThrow(/finite kernel, got NaN at 3/);
    const pruned = compressed(model, { precision: "f32", sparsity: 0.5 });
    await expect(pruned).rejects.toThrow(/finite kernel, got NaN at 3/);
  });

  test("to go on when aborted", async () => {
    await expect(
      compressed(sequential("relu"), { signal: AbortSignal.abort(new Error("no")) }),
    ).rejects.toThrow("no");
    const controller = new AbortController();
    const run = compressed(sequential("relu"), {
      signal: controller.signal,
      onProgress: ({ stage }) => stage === "calibrate" && controller.abort(new Error("enough")),
    });
    await expect(run).rejects.toThrow("enough");
  });
});

const shared = "../shared";
const hasShared = existsSync(`${shared}/models/abalone-mlp`) && existsSync(`${shared}/data/abalone`);
if (!hasShared) console.log(`skipped: abalone-mlp compressed, ${shared} is absent`);

describe.skipIf(!hasShared)("abalone-mlp", () => {
  const path = `${shared}/models/abalone-mlp/model.json`;

  /** As abalone-node of tfjs-examples has it: F, M, I are 0, 1, 2, the measures are as they are. */
  function features(): Float32Array {
    const table = parseCsv(readFileSync(`${shared}/data/abalone/abalone.csv`, "utf8"));
    const sexes = table.rows.map(([sex]) => String(["F", "M", "I"].indexOf(sex)));
    const rows = table.rows.map((row, i) => [sexes[i], ...row.slice(1, 9)]);
    const { data } = csvMatrix({ ...table, rows }, [0, 1, 2, 3, 4, 5, 6, 7]);
    return Float32Array.from(data as Float64Array);
  }

  async function tfjsModel(artifacts: ModelArtifacts): Promise<tf.LayersModel> {
    return tf.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: artifacts.modelTopology as object,
        weightSpecs: artifacts.weightSpecs as tf.io.WeightsManifestEntry[],
        weightData: artifacts.weightData.slice().buffer,
      }),
    );
  }

  test("int8 predictions are within 2 % relative RMS of tfjs' own", async () => {
    const x = features();
    const artifacts = await readArtifacts(path);
    const [wanted] = predict(await tfjsModel(artifacts), x);
    const result = await compress(path, { calibration: x });
    expect(result.provenance.sourceHash).toBe(artifacts.sourceHash);
    const hashes = new Set<string>();
    for (const variant of variants) {
      using model = await load(await result.bytes(), { variant });
      const got = copy(model.run(x));
      hashes.add(hashOf(got));
      const [predictions] = Object.values(got);
      const error = relativeError(predictions, wanted);
      const mean = wanted.reduce((sum, value) => sum + value, 0) / wanted.length;
      const spread = wanted.map((value) => value - mean);
      const ofSpread = error * Math.sqrt(squares(wanted) / squares(spread));
      console.log(
        `abalone-mlp int8 (${variant}): ${(error * 100).toFixed(3)} % relative RMS of tfjs' predictions, ` +
          `${(ofSpread * 100).toFixed(2)} % of their spread, over ${wanted.length} samples`,
      );
      expect(error).toBeLessThan(0.02);
    }
    expect(hashes.size).toBe(1);
  });

  test("calibrated on a hundred samples it holds for all", async () => {
    const x = features();
    using original = createModel(importModel(await readArtifacts(path)));
    const [wanted] = Object.values(original.run(x));
    using model = (await compress(path, { calibration: x.subarray(0, 800) })).createModel();
    expect(relativeError(Object.values(model.run(x))[0], wanted)).toBeLessThan(0.02);
  });
});

function squares(data: Float32Array): number {
  return data.reduce((sum, value) => sum + value * value, 0);
}

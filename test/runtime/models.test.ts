/** The real models beside the repository, in f32 on every variant: as tfjs, and the same bits. */

import { existsSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { readArtifacts } from "../../src/file/index.js";
import { importModel, type ModelArtifacts, simplify } from "../../src/graph/index.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { createModel } from "../../src/runtime/index.js";
import { noise } from "../graph/helpers.js";
import { variantsHere } from "../kernels/variants.js";

const folder = "../shared/models";
const isHere = existsSync(folder);
if (!isHere) console.log(`skipped: real models, ${folder} is absent`);

interface Case {
  readonly name: string;
  readonly batch: number;
  /** Of one sample, where the model leaves it open. */
  readonly shape?: readonly number[];
  /** What becomes of noise in [-1, 1). */
  readonly input?: (x: number) => number;
}

const layers: readonly Case[] = [
  { name: "abalone-mlp", batch: 50 },
  { name: "mnist-lenet-v2", batch: 3, input: Math.abs },
  { name: "tinyvgg-cnn-explainer", batch: 2, input: Math.abs },
  { name: "mlperf-kws-dscnn", batch: 2, input: (x) => x * 40 },
  { name: "teachable-tiny-image", batch: 1 },
  // Words are numbers of a dictionary of 452.
  { name: "imdb-gru3", batch: 3, input: (x) => Math.floor(((x + 1) / 2) * 452) },
];

function handlerOf(artifacts: ModelArtifacts): tf.io.IOHandler {
  const { modelTopology, weightSpecs, weightData, format, signature } = artifacts as ModelArtifacts & {
    format?: string;
    signature?: object;
  };
  return tf.io.fromMemory({
    modelTopology: modelTopology as object,
    weightSpecs: weightSpecs as tf.io.WeightsManifestEntry[],
    weightData: weightData.slice().buffer,
    ...(format && { format }),
    ...(signature && { signature }),
  });
}

/** Runs every variant, plain and simplified, against what tfjs gives. */
function expectAsTfjs(
  artifacts: ModelArtifacts,
  inputs: Readonly<Record<string, Float32Array>>,
  wanted: Readonly<Record<string, ArrayLike<number>>>,
  options: Parameters<typeof importModel>[1] = {},
): void {
  const graph = simplify(importModel(artifacts, options));
  expect(graph.outputs.map(({ name }) => name).sort()).toEqual(Object.keys(wanted).sort());
  const outcomes = variantsHere(runtimeSet).map((variant) => {
    using model = createModel(graph, { variant });
    const results = model.run(inputs);
    return Object.fromEntries(Object.keys(wanted).map((name) => [name, results[name].slice()]));
  });
  for (const [name, values] of Object.entries(wanted)) {
    const [got] = outcomes.map((outcome) => outcome[name]);
    expect(got, name).toHaveLength(values.length);
    const numbers = Array.from(values);
    const range = numbers.reduce((a, b) => Math.max(a, b)) - numbers.reduce((a, b) => Math.min(a, b));
    let worst = 0;
    for (let i = 0; i < got.length; i++) {
      const difference = Math.abs(got[i] - numbers[i]);
      // A NaN is worse than any number.
      if (!(difference <= worst)) worst = difference;
    }
    expect(worst, `${name}, range ${range}`).toBeLessThanOrEqual(1e-4 * range);
    for (const outcome of outcomes) {
      expect(Buffer.compare(Buffer.from(outcome[name].buffer), Buffer.from(got.buffer)), name).toBe(0);
    }
  }
}

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

describe.skipIf(!isHere)("real models in f32 equal tfjs", () => {
  beforeAll(() => tf.setBackend("cpu"));

  test.each(layers)("$name", { timeout: 60_000 }, async ({ name, batch, input = (x) => x }) => {
    const artifacts = await readArtifacts(`${folder}/${name}/model.json`);
    const model = await tf.loadLayersModel(handlerOf(artifacts));
    const inputs = model.inputs.map(({ shape }, i) => {
      const size = [batch, ...shape.slice(1).map((dim) => dim ?? 40)];
      return { size, data: noise(product(size), 7 + i).map(input) };
    });
    const predicted = [model.predict(inputs.map(({ data, size }) => tf.tensor(data, size)))].flat();
    // A Sequential knows its names once it has run.
    expectAsTfjs(
      artifacts,
      Object.fromEntries(inputs.map(({ data }, i) => [model.inputNames[i], data])),
      Object.fromEntries(predicted.map((tensor, i) => [model.outputNames[i], tensor.dataSync()])),
    );
  });

  test("blazeface-graph", { timeout: 60_000 }, async () => {
    const artifacts = await readArtifacts(`${folder}/blazeface-graph/model.json`);
    const model = await tf.loadGraphModel(handlerOf(artifacts));
    const data = noise(256 * 256 * 3, 7);
    const predicted = [model.predict(tf.tensor(data, [1, 256, 256, 3]))].flat() as tf.Tensor[];
    const { outputs } = importModel(artifacts);
    const wanted = predicted.map((tensor) => tensor.dataSync());
    expect(outputs).toHaveLength(wanted.length);
    // predict() gives them in the order of the model's signature, as the importer does.
    expectAsTfjs(
      artifacts,
      { input: data },
      Object.fromEntries(outputs.map(({ name }, i) => [name, wanted[i]])),
    );
  });
});

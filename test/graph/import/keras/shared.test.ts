/** The Keras files beside the repository: what they become against twins that know nothing of pare. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { unzipSync } from "fflate";
import { type Dataset, File, ready } from "h5wasm/node";
import { beforeAll, describe, expect, test } from "vitest";
import { readKeras } from "../../../../src/file/index.js";
import { importModel, parameterCount, simplify } from "../../../../src/graph/index.js";
import { expectTwin } from "../../../keras/twin.js";

const folder = join(import.meta.dirname, "../../../../../shared/models/keras");
const present = existsSync(folder);
if (!present) console.log(`skipped: real Keras files, for ${folder} is absent`);

const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));

/** Datasets of an HDF5 file by their paths, as h5wasm reads them. */
async function tensorsOf(bytes: Uint8Array, paths: readonly string[]): Promise<tf.Tensor[]> {
  await ready;
  const temporary = mkdtempSync(join(tmpdir(), "pare-keras-test-"));
  try {
    writeFileSync(join(temporary, "file.h5"), bytes);
    const file = new File(join(temporary, "file.h5"), "r");
    const tensors = paths.map((path) => {
      const { value, shape } = file.get(path) as Dataset;
      return tf.tensor(value as Float32Array, shape as number[]);
    });
    file.close();
    return tensors;
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

const counted = (name: string, i: number) => (i === 0 ? name : `${name}_${i}`);

/** Sets the weights of a twin, in its own order of layers, from groups of a file that are called the same. */
async function setFrom(
  twin: tf.LayersModel,
  bytes: Uint8Array,
  path: (layer: string, role: string, i: number) => string,
) {
  const counts = new Map<string, number>();
  const paths = twin.layers.flatMap((layer) => {
    if (layer.weights.length === 0) return [];
    const stem = layer
      .getClassName()
      .replace(/([a-z])([A-Z])/g, "$1_$2")
      .toLowerCase();
    const count = counts.get(stem) ?? 0;
    counts.set(stem, count + 1);
    return layer.weights.map(({ originalName }, i) =>
      path(counted(stem, count), originalName.split("/").at(-1) as string, i),
    );
  });
  const tensors = await tensorsOf(bytes, paths);
  let at = 0;
  for (const layer of twin.layers) {
    const count = layer.weights.length;
    if (count > 0) layer.setWeights(tensors.slice(at, at + count));
    at += count;
  }
  // A Sequential knows the names of its inputs from now on.
  twin.setWeights(twin.getWeights());
}

const byName = (layer: string, role: string) => `model_weights/${layer}/${layer}/${role}:0`;
const byNumber = (layer: string, _role: string, i: number) => `layers/${layer}/vars/${i}`;

const archived = (name: string) => unzipSync(read(name))["model.weights.h5"];

/** MLPerf Tiny's autoencoder: nine dense layers with a normalization each. */
function autoencoder(): tf.LayersModel {
  const input = tf.input({ shape: [640] });
  let x = input;
  for (const units of [128, 128, 128, 128, 8, 128, 128, 128, 128]) {
    x = tf.layers.dense({ units }).apply(x) as tf.SymbolicTensor;
    x = tf.layers.batchNormalization({ epsilon: 0.001 }).apply(x) as tf.SymbolicTensor;
    x = tf.layers.activation({ activation: "relu" }).apply(x) as tf.SymbolicTensor;
  }
  return tf.model({ inputs: input, outputs: tf.layers.dense({ units: 640 }).apply(x) as tf.SymbolicTensor });
}

/** MLPerf Tiny's ResNet8: three blocks of two convolutions, with one of 1 x 1 beside where the size halves. */
function resnet8(): tf.LayersModel {
  const input = tf.input({ shape: [32, 32, 3] });
  const conv = (filters: number, size: number, strides: number, x: tf.SymbolicTensor) =>
    tf.layers.conv2d({ filters, kernelSize: size, strides, padding: "same" }).apply(x) as tf.SymbolicTensor;
  const norm = (x: tf.SymbolicTensor) =>
    tf.layers.batchNormalization({ epsilon: 0.001 }).apply(x) as tf.SymbolicTensor;
  const relu = (x: tf.SymbolicTensor) =>
    tf.layers.activation({ activation: "relu" }).apply(x) as tf.SymbolicTensor;
  let x = relu(norm(conv(16, 3, 1, input)));
  for (const [filters, strides] of [
    [16, 1],
    [32, 2],
    [64, 2],
  ] as const) {
    const first = relu(norm(conv(filters, 3, strides, x)));
    const y = norm(conv(filters, 3, 1, first));
    const beside = strides === 1 ? x : conv(filters, 1, strides, x);
    x = relu(tf.layers.add().apply([beside, y]) as tf.SymbolicTensor);
  }
  const pooled = tf.layers.averagePooling2d({ poolSize: [8, 8] }).apply(x) as tf.SymbolicTensor;
  const flat = tf.layers.flatten().apply(pooled) as tf.SymbolicTensor;
  const output = tf.layers.dense({ units: 10, activation: "softmax" }).apply(flat) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: output });
}

describe.skipIf(!present)("real Keras files", () => {
  beforeAll(() => tf.setBackend("cpu"));

  test("ad-autoencoder.h5", async () => {
    const twin = autoencoder();
    await setFrom(twin, read("ad-autoencoder.h5"), byName);
    const graph = await expectTwin(read("ad-autoencoder.h5"), twin);
    expect(parameterCount(graph)).toBeGreaterThan(260_000);
  });

  test("resnet8-cifar10.h5", async () => {
    const twin = resnet8();
    await setFrom(twin, read("resnet8-cifar10.h5"), byName);
    const graph = await expectTwin(read("resnet8-cifar10.h5"), twin);
    expect(graph.inputs).toEqual([{ name: "input_1", shape: [null, 32, 32, 3] }]);
  });

  test("flownet-ann.keras, of Keras 3", async () => {
    const twin = tf.sequential({
      layers: [
        tf.layers.dense({ units: 128, activation: "relu", inputShape: [2] }),
        tf.layers.dense({ units: 64 }),
        tf.layers.leakyReLU({ alpha: 0.2 }),
        tf.layers.dense({ units: 32 }),
        tf.layers.leakyReLU({ alpha: 0.2 }),
        tf.layers.dense({ units: 2 }),
      ],
    });
    await setFrom(twin, archived("flownet-ann.keras"), byNumber);
    await expectTwin(read("flownet-ann.keras"), twin);
  });

  test("nlf-classifier.keras, of Keras 2.15", async () => {
    const twin = tf.sequential({
      layers: [
        tf.layers.dense({ units: 256, activation: "relu", inputShape: [40] }),
        tf.layers.dense({ units: 256, activation: "relu" }),
        tf.layers.dense({ units: 1, activation: "sigmoid" }),
      ],
    });
    await setFrom(twin, archived("nlf-classifier.keras"), byNumber);
    const graph = await expectTwin(read("nlf-classifier.keras"), twin);
    expect(graph.inputs).toEqual([{ name: "dense_input", shape: [null, 40] }]);
    expect(simplify(graph).nodes.map(({ op }) => op)).toEqual(["dense", "dense", "dense"]);
  });

  test("the hash of a file is that of its bytes", async () => {
    const bytes = read("flownet-ann.keras");
    const hash = Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
    expect((await readKeras(bytes)).sourceHash).toBe(hash);
    expect((await readKeras(join(folder, "flownet-ann.keras"))).sourceHash).toBe(hash);
    expect(importModel(await readKeras(bytes.buffer as ArrayBuffer)).unused).toEqual([]);
  });
});

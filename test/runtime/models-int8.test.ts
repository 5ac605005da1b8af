/** The real models beside the repository in int8, from post-training quantization alone. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readPictures } from "../../src/cli/images.js";
import { compress } from "../../src/compress.js";
import { readArtifacts } from "../../src/file/index.js";
import { importModel, simplify } from "../../src/graph/index.js";
import { createModel, type Model } from "../../src/runtime/index.js";

const [models, data] = ["../shared/models", "../shared/data"];
const isHere = existsSync(models) && existsSync(data);
if (!isHere) console.log(`skipped: real models in int8, ${models} or ${data} is absent`);

const artifactsOf = (name: string) => readArtifacts(join(models, name, "model.json"));
const original = async (name: string) => createModel(simplify(importModel(await artifactsOf(name))));

function argmax(values: ArrayLike<number>, from: number, length: number): number {
  let best = 0;
  for (let i = 1; i < length; i++) if (values[from + i] > values[from + best]) best = i;
  return best;
}

function accuracy(model: Model, output: string, x: Float32Array, labels: Uint8Array): number {
  const size = x.length / labels.length;
  let right = 0;
  for (let from = 0; from < labels.length; from += 100) {
    const values = model.run(x.subarray(from * size, (from + 100) * size))[output];
    const classes = values.length / 100;
    for (let i = 0; i < 100; i++) if (argmax(values, i * classes, classes) === labels[from + i]) right += 1;
  }
  return (100 * right) / labels.length;
}

function keywords(): { x: Float32Array; labels: Uint8Array } {
  const bytes = readFileSync(join(data, "mlperf-kws01/X_1000x49x10_int8.bin"));
  const x = Float32Array.from({ length: bytes.length }, (_, i) => (bytes.readInt8(i) - 83) * 0.5847029);
  return { x, labels: readFileSync(join(data, "mlperf-kws01/y_uint8.bin")) };
}

function digits(set: "train" | "t10k"): { x: Float32Array; labels: Uint8Array } {
  const [images, labels] = ["images-idx3", "labels-idx1"].map((kind) =>
    gunzipSync(readFileSync(join(data, `mnist/${set}-${kind}-ubyte.gz`))),
  );
  return { x: Float32Array.from(images.subarray(16), (pixel) => pixel / 255), labels: labels.subarray(8) };
}

describe.skipIf(!isHere)("int8", () => {
  test("mlperf-kws-dscnn: at least 91.0 % of mlperf-kws01, calibrated on its first 100 samples", async () => {
    const { x, labels } = keywords();
    const result = await compress(await artifactsOf("mlperf-kws-dscnn"), { calibration: x.slice(0, 49_000) });
    using model = result.createModel();
    expect(accuracy(model, model.outputs[0].name, x, labels)).toBeGreaterThanOrEqual(91);
    expect(result.layers[0].note).toBe("reads its input in two planes");
  });

  test("mnist-lenet-v2: at least 98.55 % of t10k, calibrated on 200 training images", async () => {
    const { x, labels } = digits("t10k");
    const calibration = digits("train").x.slice(0, 200 * 784);
    using model = (await compress(await artifactsOf("mnist-lenet-v2"), { calibration })).createModel();
    expect(accuracy(model, "Softmax", x, labels)).toBeGreaterThanOrEqual(98.55);
  });

  // teachable-tiny-image has no pictures of its own here, so that it sees those of tinyvgg.
  test.each([
    ["tinyvgg-cnn-explainer", [64, 64, 3], (pixel: number) => pixel / 255],
    ["teachable-tiny-image", [96, 96, 1], (pixel: number) => pixel / 127.5 - 1],
  ])("%s: the class of f32 on every picture where it is ahead by 5 points", async (name, shape, scale) => {
    const folder = join(models, "tinyvgg-cnn-explainer");
    const pictures = await readPictures(folder, shape);
    const [count] = pictures.shape;
    expect(count).toBe(readdirSync(folder).filter((file) => file.endsWith(".jpeg")).length);
    const x = Float32Array.from(pictures.data as Uint8Array, scale);
    using plain = await original(name);
    const wanted = Object.values(plain.run(x))[0].slice();
    using model = (await compress(await artifactsOf(name), { calibration: x })).createModel();
    const got = Object.values(model.run(x))[0];
    const classes = wanted.length / count;
    let compared = 0;
    for (let i = 0; i < count; i++) {
      const row = wanted.slice(i * classes, (i + 1) * classes).sort();
      if (row[classes - 1] - row[classes - 2] <= 0.05) continue;
      compared += 1;
      expect(argmax(got, i * classes, classes), `picture ${i}`).toBe(argmax(wanted, i * classes, classes));
    }
    expect(compared).toBeGreaterThan(10);
  });

  test("10,000 runs of mlperf-kws-dscnn leave memory as it was", { timeout: 120_000 }, async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const { x } = keywords();
    const calibration = x.slice(0, 49_000);
    using model = (await compress(await artifactsOf("mlperf-kws-dscnn"), { calibration })).createModel();
    const sample = x.slice(0, 490);
    const bytes: number[] = [];
    const growth: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      collect();
      const heap = process.memoryUsage().heapUsed;
      for (let i = 0; i < 10_000; i++) model.run(sample);
      collect();
      bytes.push(model.memoryBytes);
      growth.push(process.memoryUsage().heapUsed - heap);
    }
    expect(bytes).toEqual([bytes[0], bytes[0], bytes[0]]);
    // What the compiler notes on the way comes to an end; three bytes a run, left behind, would not.
    expect(Math.min(...growth)).toBeLessThan(30_000);
  });
});

/** Keras files through the commands: export, and whatever else takes a MODEL. */

import { existsSync } from "node:fs";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { createRandom, encodeNpy } from "../../src/data/index.js";
import { compress, readArtifacts, readKeras } from "../../src/index.js";
import { input3, kernel3, layer3, sequential3 } from "../keras/config.js";
import { kerasZip, type Values } from "../keras/files.js";
import { loadInTfjs } from "../keras/twin.js";
import { pare, temporaryFolder } from "./support.js";
import { setUp } from "./train-support.js";

function values(shape: readonly number[], seed: number): Values {
  const random = createRandom(seed);
  const length = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length }, () => 0.1 * random.normal()) };
}

/** Two dense layers. */
function denseModel(sizes: readonly [number, number, number]): Promise<Uint8Array> {
  const config = sequential3("net", [
    input3("image", [sizes[0]], "float32", false),
    layer3("Dense", "first", { units: sizes[1], activation: "relu", ...kernel3 }),
    layer3("Dense", "last", { units: sizes[2], activation: "softmax", ...kernel3 }),
  ]);
  return kerasZip(config, {
    datasets: {
      "layers/dense/vars/0": values([sizes[0], sizes[1]], 1),
      "layers/dense/vars/1": values([sizes[1]], 2),
      "layers/dense_1/vars/0": values([sizes[1], sizes[2]], 3),
      "layers/dense_1/vars/1": values([sizes[2]], 4),
    },
  });
}

/** A folder with a model whose name says nothing. */
async function setUpModel(sizes: readonly [number, number, number] = [6, 5, 3], name = "model.bin") {
  const folder = await temporaryFolder();
  const model = join(folder, name);
  await writeFile(model, await denseModel(sizes));
  const data = join(folder, "x.npy");
  const x = values([8, sizes[0]], 9).data as Float32Array;
  await writeFile(data, encodeNpy({ dtype: "float32", shape: [8, sizes[0]], data: x }));
  return { folder, model, data, x };
}

describe("pare export", () => {
  it("writes what tfjs loads and predicts with", async () => {
    const { folder, model, x } = await setUpModel();
    const out = join(folder, "deep", "out");
    const { code, err } = await pare(["export", model, "-o", out]);
    expect([code, err]).toEqual([0, expect.stringContaining(`wrote ${join(out, "model.json")}: 4 weights`)]);
    const exported = await loadInTfjs(await readArtifacts(join(out, "model.json")));
    const direct = await loadInTfjs(await readKeras(model));
    const [got, wanted] = [exported, direct].map((one) =>
      (one.predict(tf.tensor(x, [8, 6])) as tf.Tensor).dataSync(),
    );
    expect(got).toEqual(wanted);
    expect(exported.inputNames).toEqual(["image"]);
    expect(await readdir(out)).toEqual(["model.json", "weights.bin"]);
  });

  it("divides weights of more than 4 MB, and replaces a model whole", async () => {
    const { folder, model } = await setUpModel([1500, 1000, 3]);
    const out = join(folder, "out");
    for (const prefix of ["weights", "weights-2", "weights"]) {
      const { code, out: json } = await pare(["export", model, "-o", out, "--json"]);
      expect(code).toBe(0);
      expect(JSON.parse(json)).toMatchObject({ weights: 4, bytes: 4 * (1500 * 1000 + 1000 + 3000 + 3) });
      expect(await readdir(out)).toEqual(["model.json", `${prefix}-1of2.bin`, `${prefix}-2of2.bin`]);
      const { weightsManifest } = JSON.parse(await readFile(join(out, "model.json"), "utf8"));
      expect(weightsManifest[0].paths).toEqual([`${prefix}-1of2.bin`, `${prefix}-2of2.bin`]);
      const { weightData } = await readArtifacts(join(out, "model.json"));
      // toEqual takes its time with millions of bytes.
      expect(Buffer.compare(weightData, (await readKeras(model)).weightData)).toBe(0);
    }
  });

  it("leaves nothing of itself where it is interrupted, and the old model whole", async () => {
    const { folder, model } = await setUpModel();
    const out = join(folder, "out");
    await pare(["export", model, "-o", out]);
    const before = await readFile(join(out, "model.json"), "utf8");
    const { code } = await pare(["export", model, "-o", out], {
      signal: AbortSignal.abort(new Error("interrupted")),
    });
    expect(code).toBe(130);
    expect(await readdir(out)).toEqual(["model.json", "weights.bin"]);
    expect(await readFile(join(out, "model.json"), "utf8")).toBe(before);
  });

  it("writes over nothing that it reads", async () => {
    const { folder, model } = await setUpModel();
    await pare(["export", model, "-o", folder]);
    const path = join(folder, "model.json");
    const { code, err } = await pare(["export", path, "-o", folder]);
    expect([code, err]).toEqual([2, expect.stringContaining("wanted another file to write than the input")]);
    const named = join(folder, "sub");
    expect((await pare(["export", path, "-o", named])).code).toBe(0);
    await copyFile(model, join(named, "weights.keras"));
    expect((await pare(["export", join(named, "weights.keras"), "-o", named])).code).toBe(0);
  });

  it("refuses what tfjs has not, and what is no model", async () => {
    const { folder, model } = await setUpModel();
    const recurrent = {
      units: 2,
      activation: "tanh",
      recurrent_activation: "sigmoid",
      use_bias: true,
      reset_after: true,
    };
    const config = sequential3("s", [input3("x", [4, 3], "float32", false), layer3("GRU", "gru", recurrent)]);
    const cell = "layers/gru/cell/vars";
    const datasets = {
      [`${cell}/0`]: values([3, 6], 1),
      [`${cell}/1`]: values([2, 6], 2),
      [`${cell}/2`]: values([2, 6], 3),
    };
    const gru = join(folder, "gru.keras");
    await writeFile(gru, await kerasZip(config, { datasets }));
    const out = join(folder, "out");
    expect(await pare(["export", gru, "-o", out])).toMatchObject({
      code: 3,
      err: expect.stringContaining("GRU: reset_after (of tfjs)"),
    });
    expect((await pare(["inspect", gru])).code).toBe(0);

    const packed = join(folder, "packed");
    await pare(["compress", model, "-o", packed, "--precision", "f32"]);
    expect(await pare(["export", packed, "-o", out])).toMatchObject({
      code: 2,
      err: expect.stringContaining("got a .pare file"),
    });
    expect(await pare(["export", join(folder, "nothing.h5"), "-o", out])).toMatchObject({ code: 1 });
    await writeFile(join(folder, "cut.h5"), (await readFile(model)).subarray(0, 400));
    expect(await pare(["export", join(folder, "cut.h5"), "-o", out])).toMatchObject({
      code: 3,
      err: expect.stringContaining("zip-corrupt"),
    });
    expect(existsSync(out)).toBe(false);
  });
});

describe("a Keras file as MODEL", () => {
  it("is told by its bytes: inspect, compress, run, eval and bench", async () => {
    const { folder, model, data } = await setUpModel([6, 5, 3], "model.json");
    const inspected = await pare(["inspect", model, "--json"]);
    expect(JSON.parse(inspected.out)).toMatchObject({ format: "keras", outputs: [{ name: "last" }] });
    const packed = join(folder, "packed.h5");
    expect((await pare(["compress", model, "-o", packed, "--calibrate", data])).code).toBe(0);
    expect(JSON.parse((await pare(["inspect", packed, "--json"])).out).format).toBe("pare");

    const results = await Promise.all(
      [[model], [model, "--engine", "tfjs"], [packed]].map((argv) => pare(["run", ...argv, "--input", data])),
    );
    const [keras, tfjs, int8] = results.map(({ out }) => JSON.parse(out).outputs.last.data as number[]);
    for (let i = 0; i < keras.length; i++) {
      expect(Math.abs(keras[i] - tfjs[i])).toBeLessThan(1e-6);
      expect(Math.abs(keras[i] - int8[i])).toBeLessThan(0.05);
    }
    const result = await compress(model, { precision: "f32" });
    expect(result.provenance.sourceHash).toBe((await readKeras(model)).sourceHash);
    const labels = join(folder, "y.npy");
    await writeFile(
      labels,
      encodeNpy({ dtype: "int32", shape: [8], data: Int32Array.from({ length: 8 }, (_, i) => i % 3) }),
    );
    expect((await pare(["eval", model, "--data", data, "--labels", labels])).code).toBe(0);
    expect((await pare(["bench", model, packed, "--rounds", "3"])).code).toBe(0);
  });

  it("is what pare train begins with, and what it learns from", async () => {
    const { folder, recipe, rewrite, run, output } = await setUp();
    await writeFile(join(folder, "start.keras"), await denseModel([784, 24, 10]));
    const { model: _, ...rest } = recipe as Record<string, unknown>;
    await rewrite({ ...rest, model: "start.keras" });
    const trained = await run({}, "--json");
    expect([trained.code, trained.err]).toEqual([0, expect.anything()]);
    const report = JSON.parse(trained.out);
    expect(report.quality.model.accuracy).toBeGreaterThan(0.5);
    const { weightSpecs } = await readArtifacts(join(output, "model.json"));
    expect(weightSpecs.map(({ name }) => name)).toEqual([
      "first/kernel",
      "first/bias",
      "last/kernel",
      "last/bias",
    ]);
  });
});

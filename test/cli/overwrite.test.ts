import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encode as encodePng } from "fast-png";
import { expect, test } from "vitest";
import { classifierFiles, pare, temporaryFolder } from "./support.js";
import { setUp } from "./train-support.js";

test("what is read is never written over, by whatever name", async () => {
  const { model, data, labels, folder, scaling } = await classifierFiles();
  const before = await Promise.all([model, data, labels].map((path) => readFile(path)));
  await symlink(data, join(folder, "link.npy"));
  const compress = ["compress", model, "--calibrate", data, "--data", data, "--labels", labels, ...scaling];
  for (const output of [model, data, labels, join(folder, "link.npy"), join(folder, ".", "model.json")]) {
    const { code, err } = await pare([...compress, "-o", output]);
    expect(err).toMatch(/wanted another file to write than the input/);
    expect(code).toBe(2);
  }
  const run = await pare(["run", model, "--input", data, "-o", data, ...scaling]);
  expect(run.code).toBe(2);
  expect(await Promise.all([model, data, labels].map((path) => readFile(path)))).toEqual(before);
});

test("nor the shards of a model, nor the pictures of a folder", async () => {
  const { model, data, folder } = await classifierFiles();
  const shard = join(folder, "weights.bin");
  const pictures = join(await temporaryFolder(), "pictures");
  await mkdir(join(pictures, "class"), { recursive: true });
  const png = encodePng({ width: 4, height: 3, channels: 1, data: new Uint8Array(12) });
  const [own, inner] = [join(pictures, "a.png"), join(pictures, "class", "b.png")];
  for (const path of [own, inner]) await writeFile(path, png);
  const before = await Promise.all([shard, own, inner].map((path) => readFile(path)));
  for (const argv of [
    ["compress", model, "--precision", "f32", "-o", shard],
    ["run", model, "--input", data, "-o", shard],
    ["compress", model, "--calibrate", pictures, "-o", own],
    ["run", model, "--input", `dense_1_input=${pictures}`, "-o", inner],
  ]) {
    const { code, err } = await pare(argv);
    expect(err).toMatch(/wanted another file to write than the input/);
    expect(code).toBe(2);
  }
  expect(await Promise.all([shard, own, inner].map((path) => readFile(path)))).toEqual(before);
  // A file beside the pictures is none of them.
  const beside = join(pictures, "out.pare");
  for (let time = 0; time < 2; time++) {
    expect((await pare(["compress", model, "--precision", "f32", "-o", beside])).code).toBe(0);
  }
});

test("train writes over no shard of the model that it starts from", async () => {
  const { folder, run, rewrite } = await setUp();
  const layers = [{ class_name: "Dense", config: { units: 10, batch_input_shape: [null, 784], name: "d" } }];
  const weights = [
    { name: "d/kernel", shape: [784, 10], dtype: "float32" },
    { name: "d/bias", shape: [10], dtype: "float32" },
  ];
  const modelTopology = { class_name: "Sequential", config: { name: "net", layers } };
  for (const [shard, output] of [
    ["weights.pare", { model: "out/model.json", pare: "weights.pare" }],
    ["weights.bin", { model: "model.json" }],
  ] as const) {
    await writeFile(join(folder, shard), new Uint8Array(4 * 7850));
    const weightsManifest = [{ paths: [shard], weights }];
    await writeFile(join(folder, "start.json"), JSON.stringify({ modelTopology, weightsManifest }));
    await rewrite({ model: "start.json", output });
    const { code, err } = await run();
    expect([code, err]).toEqual([2, expect.stringContaining(`${shard}: wanted another file to write than`)]);
  }
});

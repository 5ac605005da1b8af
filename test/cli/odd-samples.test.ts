import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { oddSamples, unscaledBytes } from "../../src/cli/odd-samples.js";
import { classifierFiles, pare, writeNpy } from "./support.js";
import { setUp } from "./train-support.js";

describe("oddSamples", () => {
  test.each<[string, number[], number, string[]]>([
    ["none where samples differ within", [1, 2, 0, 1], 2, []],
    ["zeros", [1, 2, 0, 0], 2, ["x: 1 of 2 samples has nothing but zeros (1, counted from 0)"]],
    [
      "zeros and constants apart",
      [0, -0, 3, 3, 4, 4, 1, 2],
      4,
      [
        "x: 1 of 4 samples has nothing but zeros (0, counted from 0)",
        "x: 2 of 4 samples have one number everywhere (1, 2, counted from 0)",
      ],
    ],
    ["samples of one number are no news", [0, 0, 0], 3, []],
    [
      "many",
      new Array(2400).fill(0),
      1200,
      ["x: all 1,200 samples have nothing but zeros (0, 1, 2, 3, 4, ..., counted from 0)"],
    ],
  ])("%s", (_, data, count, wanted) => {
    expect(oddSamples(Float32Array.from(data), count, "x")).toEqual(wanted);
  });

  test("bytes that nothing scales", () => {
    expect(unscaledBytes(Uint8Array.of(0, 7), "x")[0]).toMatch(/^x: bytes .*--scale 0\.00392157/);
    expect(unscaledBytes(Uint8Array.of(0, 1), "x")).toEqual([]);
    expect(unscaledBytes(Float32Array.of(0, 7), "x")).toEqual([]);
  });
});

test("compress and eval warn of them and go on; no sample is multiplied by 0, or has a NaN", async () => {
  const { folder, model, data, labels, scaling } = await classifierFiles();
  const zeros = join(folder, "zeros.npy");
  await writeNpy(zeros, {
    shape: [3, 12],
    data: Float32Array.from({ length: 36 }, (_, i) => (i < 12 ? i : 0)),
    dtype: "float32",
  });
  const output = join(folder, "a.pare");
  const compressed = await pare(["compress", model, "-o", output, "--calibrate", zeros]);
  expect(compressed.err).toContain("zeros.npy: 2 of 3 samples have nothing but zeros (1, 2, counted from 0)");
  expect(compressed.code).toBe(0);

  const bytes = await pare(["eval", output, "--data", data, "--labels", labels, "--json"]);
  expect(bytes.err).toContain("data.npy: bytes from 0 to 255 go to the model as they are");
  expect((await pare(["eval", output, "--data", data, "--labels", labels, ...scaling])).err).toBe("");

  for (const argv of [
    ["compress", model, "-o", output, "--calibrate", zeros],
    ["eval", output, "--data", data, "--labels", labels],
    ["run", output, "--input", data],
  ]) {
    const { code, err } = await pare([...argv, "--scale", "0"]);
    expect(err).toMatch(/'--scale <S>' argument '0' is invalid\. wanted a number that is not 0/);
    expect(code).toBe(2);
  }

  const broken = Float32Array.from({ length: 36 }, (_, i) => (i === 17 ? Number.NaN : i));
  await writeNpy(zeros, { shape: [3, 12], data: broken, dtype: "float32" });
  const { code, err } = await pare(["compress", model, "-o", output, "--calibrate", zeros]);
  expect(err).toContain("zeros.npy: wanted finite numbers, got NaN in sample 1 at 5");
  expect(code).toBe(1);
});

test("train warns of pixels as they are stored", async () => {
  const data = { train: { x: "train-x.idx", y: "train-y.idx" } };
  const layers = [
    { class_name: "Flatten", config: { batch_input_shape: [null, 28, 28] } },
    { class_name: "Dense", config: { units: 10, activation: "softmax" } },
  ];
  const stages = [{ kind: "train", epochs: 1, learningRate: 1e-5 }];
  const { run, rewrite } = await setUp({ data, model: { layers }, stages });
  const warning = /warning: data\.train: trained on bytes from 0 to 255/;
  expect((await run({}, "--json")).err).toMatch(warning);
  await rewrite({ data: { ...data, scale: 1 / 255 } });
  expect((await run()).err).not.toMatch(warning);
  await rewrite({ data: { ...data, scale: 0 } });
  expect((await run()).err).toContain("data.scale: wanted a number that is not 0, got 0");
});

test("bench says which file comes first", async () => {
  const { model } = await classifierFiles();
  const { code, err } = await pare(["bench", "a.pare", model]);
  expect(err).toContain("a.pare: wanted a model.json first, then the .pare file");
  expect(code).toBe(2);
});

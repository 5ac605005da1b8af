import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { saveModel } from "../../src/index.js";
import { classifierFiles, denseArtifacts, pare, temporaryFolder, writeNpy } from "./support.js";

describe("eval", () => {
  test("accuracy of a classifier, through pare and through tfjs", async () => {
    const { folder, model, data, scaling, count, classes } = await classifierFiles();
    const wrong = classes.map((label, i) => (i < 30 ? (label + 1) % 5 : label));
    const labels = join(folder, "wrong.npy");
    await writeNpy(labels, { shape: [count], data: wrong, dtype: "uint8" });
    const argv = ["eval", model, "--data", data, "--labels", labels, ...scaling];
    for (const engine of ["pare", "tfjs"]) {
      const { code, out } = await pare([...argv, "--json", "--engine", engine]);
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ task: "classification", samples: 200, accuracy: 0.85 });
    }
    expect((await pare(argv)).out).toBe("accuracy 85.00 % of 200 samples\n");
  });

  test("without --scale and --offset it is another accuracy", async () => {
    const { model, data, labels } = await classifierFiles();
    const { out } = await pare(["eval", model, "--data", data, "--labels", labels, "--json"]);
    expect(JSON.parse(out).accuracy).toBeLessThan(1);
  });

  test("one-hot labels, and the same as numbers by --task", async () => {
    const { folder, model, data, scaling, count, classes } = await classifierFiles();
    const oneHot = new Float32Array(count * 5);
    for (let i = 0; i < count; i++) oneHot[i * 5 + classes[i]] = 1;
    const labels = join(folder, "one-hot.npy");
    await writeNpy(labels, { shape: [count, 5], data: oneHot, dtype: "float32" });
    const argv = ["eval", model, "--data", data, "--labels", labels, ...scaling, "--json"];
    expect(JSON.parse((await pare(argv)).out)).toMatchObject({ task: "classification", accuracy: 1 });
    const numbers = JSON.parse((await pare([...argv, "--task", "regression"])).out);
    expect(numbers.task).toBe("regression");
    expect(numbers.rms).toBeGreaterThan(0);
  });

  test("errors of a regression", async () => {
    const folder = await temporaryFolder();
    const model = await saveModel(folder, denseArtifacts([3, 1], ["linear"]));
    const data = join(folder, "data.npy");
    await writeNpy(data, { shape: [4, 3], data: new Float32Array(12), dtype: "float32" });
    // Inputs of 0 give the bias: labels are off by 3, -3, 4 and -4.
    const { out } = await pare(["run", model, "--input", data]);
    const [{ data: predicted }] = Object.values(JSON.parse(out).outputs) as { data: number[] }[];
    const wanted = Float64Array.from([3, -3, 4, -4], (off, i) => predicted[i] + off);
    const labels = join(folder, "labels.npy");
    await writeNpy(labels, { shape: [4, 1], data: wanted, dtype: "float64" });
    const quality = JSON.parse(
      (await pare(["eval", model, "--data", data, "--labels", labels, "--json"])).out,
    );
    expect(quality.task).toBe("regression");
    expect(quality.rms).toBeCloseTo(Math.sqrt(12.5), 6);
    expect(quality.mae).toBeCloseTo(3.5, 6);
    const square = wanted.reduce((sum, label) => sum + label * label, 0) / 4;
    expect(quality.relativeRms).toBeCloseTo(Math.sqrt(12.5 / square), 6);
  });

  test("labels that do not belong to the data are a failure", async () => {
    const { folder, model, data } = await classifierFiles();
    const labels = join(folder, "few.npy");
    await writeNpy(labels, { shape: [7], data: new Uint8Array(7), dtype: "uint8" });
    const { code, err, out } = await pare(["eval", model, "--data", data, "--labels", labels]);
    expect(err).toMatch(/wanted 200 class numbers below 5.*got \[7\]/);
    expect([code, out]).toEqual([1, ""]);
  });
});

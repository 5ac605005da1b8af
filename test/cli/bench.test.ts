import { join } from "node:path";
import { expect, test } from "vitest";
import { saveModel } from "../../src/index.js";
import { classifierFiles, denseArtifacts, pare, temporaryFolder } from "./support.js";

test("bench sets a file beside its model on tfjs", async () => {
  const { folder, model, data, scaling } = await classifierFiles();
  const file = join(folder, "net.pare");
  await pare(["compress", model, "-o", file, "--calibrate", data, ...scaling]);
  const argv = ["bench", model, file, "--rounds", "5", "--data", data, ...scaling];
  const { code, out } = await pare([...argv, "--json"]);
  expect(code).toBe(0);
  const { latency, size, agreement, samples } = JSON.parse(out);
  for (const key of ["pareMs", "pareP95Ms", "tfjsMs", "tfjsP95Ms", "ratio"]) {
    expect(latency[key], key).toBeGreaterThan(0);
  }
  expect(size.weightBytes).toBe((12 * 16 + 16 + 16 * 5 + 5) * 4);
  expect(samples).toEqual({ count: 200, from: "data" });
  expect(agreement[0].sameClass).toBeGreaterThan(0.9);
  expect(agreement[0].relativeRms).toBeLessThan(0.1);
  expect((await pare(argv)).out).toMatch(/^latency, batch 1 .*x$/m);

  const noise = JSON.parse((await pare(["bench", model, file, "--rounds", "3", "--json"])).out);
  expect(noise.samples).toEqual({ count: 100, from: "noise" });
});

test("--profile says where the time goes", async () => {
  const { model, data, folder, scaling } = await classifierFiles();
  const file = join(folder, "out.pare");
  await pare(["compress", model, "-o", file, "--calibrate", data, ...scaling]);
  const argv = ["bench", model, file, "--rounds", "3", "--profile"];
  const { profile } = JSON.parse((await pare([...argv, "--json"])).out);
  expect(profile.length).toBeGreaterThan(2);
  for (const { step, ms } of profile) expect([typeof step, ms >= 0]).toEqual(["string", true]);
  expect((await pare(argv)).out).toMatch(/^step +time +share$/m);
});

test("bench refuses a file that another model made", async () => {
  const { model } = await classifierFiles();
  const folder = await temporaryFolder();
  const other = await saveModel(folder, denseArtifacts([12, 7], ["softmax"]));
  const file = join(folder, "other.pare");
  await pare(["compress", other, "-o", file, "--precision", "f32"]);
  const { code, err } = await pare(["bench", model, file]);
  expect(err).toMatch(/is not made from/);
  expect(code).toBe(1);
});

import { join } from "node:path";
import { expect, test } from "vitest";
import { saveModel } from "../../src/index.js";
import { denseArtifacts, pare, temporaryFolder } from "./support.js";

test("inspect shows a tfjs model and the file made of it layer by layer", async () => {
  const folder = await temporaryFolder();
  const model = await saveModel(folder, denseArtifacts([8, 6, 3], ["relu", "softmax"]));
  const tfjs = JSON.parse((await pare(["inspect", model, "--json"])).out);
  expect(tfjs).toMatchObject({ format: "tfjs", bytes: (48 + 6 + 18 + 3) * 4, macs: 48 + 18 });
  const kernels = tfjs.layers.filter((layer: { macs: number | null }) => layer.macs !== null);
  expect(kernels).toMatchObject([
    { shape: [8, 6], sparsity: 0, bits: 32, bytes: 54 * 4, macs: 48 },
    { shape: [6, 3], sparsity: 0, bits: 32, bytes: 21 * 4, macs: 18 },
  ]);

  const file = join(folder, "net.pare");
  expect(
    (
      await pare([
        "compress",
        model,
        "-o",
        file,
        "--precision",
        "f32",
        "--sparsity",
        "0.5",
        "--scope",
        "local",
      ])
    ).code,
  ).toBe(0);
  const { code, out } = await pare(["inspect", file]);
  expect(code).toBe(0);
  expect(out).toMatch(/ 8x6 +50\.0 % +32 /);
  expect(out).toMatch(/ 6x3 +50\.0 % +32 /);
  expect(out).toContain("66 MACs a sample");
});

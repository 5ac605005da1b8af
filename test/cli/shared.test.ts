import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { categoricalColumn, csvMatrix, numericColumn, parseCsv } from "../../src/data/index.js";
import { pare, temporaryFolder, writeNpy } from "./support.js";

const model = "../shared/models/abalone-mlp/model.json";
const csv = "../shared/data/abalone/abalone.csv";
const isHere = existsSync(model) && existsSync(csv);
if (!isHere) console.log(`skipped: abalone-mlp through the command, ${model} or ${csv} is absent`);

test.skipIf(!isHere)("abalone-mlp: int8 within 2 % relative RMS of tfjs' own predictions", async () => {
  const folder = await temporaryFolder();
  const table = parseCsv(readFileSync(csv, "utf8"));
  const { codes } = categoricalColumn(table, "sex", ["F", "M", "I"]);
  const names = ["length", "diameter", "height", "weight.w", "weight.s", "weight.v", "weight.sh"];
  const numbers = csvMatrix(table, names);
  const x = new Float32Array(codes.length * 8);
  for (let row = 0; row < codes.length; row++) {
    x[row * 8] = codes[row];
    for (let k = 0; k < 7; k++) x[row * 8 + 1 + k] = numbers.data[row * 7 + k];
  }
  const [data, labels, file] = ["x.npy", "rings.npy", "abalone.pare"].map((name) => join(folder, name));
  await writeNpy(data, { shape: [codes.length, 8], data: x, dtype: "float32" });
  const rings = numericColumn(table, "rings");
  await writeNpy(labels, { shape: [rings.length], data: rings, dtype: "float64" });

  const argv = ["compress", model, "-o", file, "--calibrate", data, "--data", data, "--labels", labels];
  const { code, err } = await pare([...argv, "--max-drop", "1"]);
  expect(code, err).toBe(0);
  const { out } = await pare(["bench", model, file, "--data", data, "--rounds", "3", "--json"]);
  const [{ relativeRms }] = JSON.parse(out).agreement;
  console.log(`abalone-mlp: int8 differs from tfjs by ${(100 * relativeRms).toFixed(2)} % RMS`);
  expect(relativeRms).toBeLessThan(0.02);
});

import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { classifierFiles, pare } from "./support.js";

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

/** A folder in the place of a model, and a disk that is full. */

import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findModel } from "../../src/index.js";
import { classifierFiles, pare, temporaryFolder } from "./support.js";

describe("a folder", () => {
  test("stands for the model.json in it", async () => {
    const { model, data, folder, scaling } = await classifierFiles();
    const inner = join(model, "..");
    const output = join(folder, "out.pare");
    const argv = ["compress", inner, "-o", output, "--calibrate", data, ...scaling];
    expect(await pare(argv)).toMatchObject({ code: 0 });
    // What is read is not written over, by whichever name.
    expect(await pare(["compress", inner, "-o", model, "--calibrate", data])).toMatchObject({ code: 2 });
  });

  test("stands for the one file in it that can be the model", async () => {
    const { model, data, folder, scaling } = await classifierFiles();
    const inner = join(model, "..");
    await rename(model, join(inner, "net.json"));
    const argv = ["compress", inner, "-o", join(folder, "out.pare"), "--calibrate", data, ...scaling];
    expect(await pare(argv)).toMatchObject({ code: 0 });
    await writeFile(join(inner, "other.json"), "{}");
    const { code, err } = await pare(argv);
    expect(code).toBe(3);
    expect(err).toContain(`${inner}: wanted one model, got net.json, other.json: name it`);
  });

  test("without one says what is there", async () => {
    const folder = await temporaryFolder();
    const compress = () => pare(["compress", folder, "-o", join(folder, "x.pare"), "--precision", "f32"]);
    expect(await compress()).toMatchObject({ code: 1 });
    expect((await compress()).err).toContain("wanted a model.json in this folder, got nothing");
    for (let i = 0; i < 9; i++) await writeFile(join(folder, `shard${i}.bin`), "");
    await mkdir(join(folder, "assets"));
    expect((await compress()).err).toContain("got assets/, shard0.bin, shard1.bin");
    expect((await compress()).err).toContain("shard6.bin and 2 more");
    for (let i = 0; i < 9; i++) await rm(join(folder, `shard${i}.bin`));
    await writeFile(join(folder, "saved_model.pb"), "");
    expect((await compress()).err).toContain("a SavedModel has to be converted: tensorflowjs_converter");
  });

  test("has one answer, whatever else lies in it: a file that is there, or a refusal that names the folder", async () => {
    const name = fc.constantFrom(
      "model.json",
      "a.json",
      "b.json",
      "model.keras",
      "c.keras",
      "model.h5",
      "d.bin",
      "e",
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name), async (names) => {
        const folder = await temporaryFolder();
        for (const each of names) await writeFile(join(folder, each), "");
        const found = await findModel(folder).catch((error: Error) => error);
        if (found instanceof Error) expect(found.message).toContain(folder);
        else expect((await stat(found)).isFile()).toBe(true);
        if (names.includes("model.json")) expect(found).toBe(join(folder, "model.json"));
        if (!names.some((each) => /json|keras|h5/.test(each))) expect(found).toBeInstanceOf(Error);
      }),
      { numRuns: 30 },
    );
  });
});

describe.skipIf(process.platform !== "linux")("a disk that is full", () => {
  test("is named, with the file", async () => {
    const { model, data, scaling } = await classifierFiles();
    const argv = ["compress", model, "-o", "/dev/full", "--calibrate", data, ...scaling];
    expect(await pare(argv)).toMatchObject({ code: 1, err: "error: /dev/full: no space left on the disk\n" });
    const run = ["run", model, "--input", data, ...scaling, "-o", "/dev/full"];
    expect((await pare(run)).err).toContain("/dev/full: no space left on the disk");
  });
});

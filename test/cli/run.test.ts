import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseNpy } from "../../src/data/index.js";
import { classifierFiles, pare, writeNpy } from "./support.js";

describe("run", () => {
  test("a tfjs model and tfjs itself predict the same", async () => {
    const { model, data, scaling } = await classifierFiles();
    const argv = ["run", model, "--input", data, ...scaling];
    const ours = JSON.parse((await pare(argv)).out);
    const theirs = JSON.parse((await pare([...argv, "--engine", "tfjs"])).out);
    expect(ours.samples).toBe(200);
    const [name] = Object.keys(ours.outputs);
    expect(ours.outputs[name].shape).toEqual([200, 5]);
    expect(Object.keys(theirs.outputs)).toEqual([name]);
    for (let i = 0; i < 1000; i++) {
      expect(ours.outputs[name].data[i]).toBeCloseTo(theirs.outputs[name].data[i], 5);
    }
  });

  test("-o writes a .npy of the same numbers", async () => {
    const { folder, model, data, scaling } = await classifierFiles();
    const argv = ["run", model, "--input", data, ...scaling];
    const path = join(folder, "out.npy");
    const { code, out, err } = await pare([...argv, "-o", path]);
    expect([code, out]).toEqual([0, ""]);
    expect(err).toContain(`wrote ${path}: float32[200, 5]`);
    const array = parseNpy(await readFile(path));
    const [wanted] = Object.values(JSON.parse((await pare(argv)).out).outputs) as { data: number[] }[];
    expect(Array.from(array.data)).toEqual(wanted.data);
    const json = JSON.parse((await pare([...argv, "-o", path, "--json"])).out);
    expect(json.written).toEqual([{ name: json.written[0].name, path, shape: [200, 5] }]);
  });

  test("inputs by name; wrong ones are usage, wrong sizes a failure", async () => {
    const { folder, model, data } = await classifierFiles();
    const { inputs } = JSON.parse((await pare(["inspect", model, "--json"])).out);
    const named = await pare(["run", model, "--input", `${inputs[0].name}=${data}`]);
    expect(named.out).toBe((await pare(["run", model, "--input", data])).out);
    const twice = await pare(["run", model, "--input", data, "--input", data]);
    expect([twice.code, twice.err]).toEqual([2, expect.stringMatching(/given twice/)]);

    const narrow = join(folder, "narrow.npy");
    await writeNpy(narrow, { shape: [6, 8], data: new Float32Array(48), dtype: "float32" });
    const wrong = await pare(["run", model, "--input", narrow]);
    // 48 numbers would be 4 whole samples, but not row by row.
    expect(wrong.err).toMatch(/wanted \[samples, 12\].*got \[6, 8\]/);
    expect(wrong.code).toBe(1);
  });

  test("another shape of the same sample is taken, and a sample alone", async () => {
    const { folder, model } = await classifierFiles();
    const flat = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
    const paths = ["square.npy", "flat.npy", "one.npy"].map((name) => join(folder, name));
    await writeNpy(paths[0], { shape: [2, 3, 4], data: flat, dtype: "float32" });
    await writeNpy(paths[1], { shape: [2, 12], data: flat, dtype: "float32" });
    await writeNpy(paths[2], { shape: [12], data: flat.slice(0, 12), dtype: "float32" });
    const outputs = await Promise.all(paths.map((path) => pare(["run", model, "--input", path])));
    const data = outputs.map(
      ({ out }) => (Object.values(JSON.parse(out).outputs)[0] as { data: number[] }).data,
    );
    expect(data[0]).toEqual(data[1]);
    expect(data[2]).toEqual(data[1].slice(0, 5));
  });

  test("a batch of other samples is not one sample, though it has as many numbers", async () => {
    const { folder, model } = await classifierFiles();
    for (const [shape, code] of [
      [[3, 4], 1],
      [[3, 4, 1], 1],
      [[1, 12, 1], 0],
      [[12, 1], 0],
    ] as const) {
      const path = join(folder, "batch.npy");
      await writeNpy(path, { shape: [...shape], data: new Float32Array(12), dtype: "float32" });
      const got = await pare(["run", model, "--input", path]);
      expect([got.code, shape], got.err).toEqual([code, shape]);
    }
  });
});

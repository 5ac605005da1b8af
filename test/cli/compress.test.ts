import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { saveModel } from "../../src/index.js";
import { classifierFiles, pare, temporaryFolder } from "./support.js";

async function setUp() {
  const files = await classifierFiles();
  const { model, data, labels, folder, scaling } = files;
  const output = join(folder, "out.pare");
  const argv = ["compress", model, "-o", output, "--calibrate", data, ...scaling];
  return { ...files, output, argv, measured: [...argv, "--data", data, "--labels", labels] };
}

describe("compress", () => {
  test("writes a sparse int8 file that evaluates like its model", async () => {
    const { argv, output, data, labels, scaling } = await setUp();
    const { code, out, err } = await pare([
      ...argv,
      "--sparsity",
      "0.5",
      "--pattern",
      "1x4",
      "--scope",
      "local",
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/^layer +op +shape +zeros +bits +bytes +MACs$/m);
    expect(err).toContain(`wrote ${output}`);
    const { layers, format } = JSON.parse((await pare(["inspect", output, "--json"])).out);
    expect(format).toBe("pare");
    const kernels = layers.filter((layer: { bits: number | null }) => layer.bits !== null);
    expect(kernels.map((layer: { bits: number }) => layer.bits)).toEqual([8, 8]);
    for (const { sparsity } of kernels) expect(sparsity).toBeGreaterThanOrEqual(0.5);
    const quality = await pare(["eval", output, "--data", data, "--labels", labels, ...scaling, "--json"]);
    expect(JSON.parse(quality.out).task).toBe("classification");
  });

  test("dense int8 keeps nearly every answer, and the file says the accuracies", async () => {
    const { measured, output } = await setUp();
    const { code, out } = await pare([...measured, "--max-drop", "5", "--json"]);
    expect(code).toBe(0);
    const { gate, fileBytes, output: written } = JSON.parse(out);
    expect(written).toBe(output);
    expect(gate).toMatchObject({ passed: true, maxDrop: 5, before: { accuracy: 1 } });
    expect(gate.drop).toBeCloseTo(100 * (1 - gate.after.accuracy), 9);
    const inspected = JSON.parse((await pare(["inspect", output, "--json"])).out);
    expect(inspected.bytes).toBe(fileBytes);
    expect(inspected.provenance.accuracy).toEqual({ before: 1, after: gate.after.accuracy });
  });

  test("a missed gate exits with 4 and writes nothing", async () => {
    const { measured, output, folder } = await setUp();
    const before = await readdir(folder);
    const { code, out, err } = await pare([...measured, "--sparsity", "0.95", "--max-drop", "0.5", "--json"]);
    expect(code).toBe(4);
    expect(err).toMatch(/gate missed: lost .* points of accuracy, at most 0.5 allowed/);
    const data = JSON.parse(out);
    expect(data.output).toBeNull();
    expect(data.gate.passed).toBe(false);
    expect(data.gate.drop).toBeGreaterThan(0.5);
    expect(existsSync(output)).toBe(false);
    expect(await readdir(folder)).toEqual(before);
  });

  test("--max-drop keeps the layers in f32 that it takes", async () => {
    const { argv, model, data, folder, scaling } = await setUp();
    // What the model itself answers: any rounding is an error.
    const labels = join(folder, "answers.npy");
    await pare(["run", model, "--input", data, "-o", labels, ...scaling]);
    const measured = [...argv, "--data", data, "--labels", labels, "--max-drop", "0", "--json"];
    const { code, out } = await pare(measured);
    expect(code).toBe(0);
    const { gate, layers } = JSON.parse(out);
    expect(gate).toMatchObject({ passed: true, drop: 0 });
    for (const { bits, note } of layers) expect([bits, note]).toEqual([32, "asked to stay f32"]);
  });

  test("--input-shape closes what a model leaves open", async () => {
    const folder = await temporaryFolder();
    const config = { name: "relu", activation: "relu", batch_input_shape: [null, null, 3] };
    const model = await saveModel(folder, {
      modelTopology: {
        class_name: "Sequential",
        config: { name: "open", layers: [{ class_name: "Activation", config }] },
      },
      weightSpecs: [],
      weightData: new Uint8Array(0),
    });
    const argv = ["compress", model, "-o", join(folder, "open.pare"), "--precision", "f32"];
    const refused = await pare(argv);
    expect(refused.code).toBe(1);
    const name = /--input-shape (\w+)=/.exec(refused.err)?.[1];
    expect((await pare([...argv, "--input-shape", `${name}=4,3`])).code).toBe(0);
    expect((await pare([...argv, "--input-shape", "4,3"])).code).toBe(2);
  });

  test("f32 needs no calibration and changes no answer", async () => {
    const { model, output, data, labels, scaling } = await setUp();
    const argv = ["compress", model, "-o", output, "--precision", "f32", ...scaling];
    const { code } = await pare([...argv, "--data", data, "--labels", labels, "--max-drop", "0"]);
    expect(code).toBe(0);
  });

  test("a recipe sets what flags do not", async () => {
    const { model, output, data, folder } = await setUp();
    const recipe = join(folder, "recipe.json");
    await writeFile(
      recipe,
      JSON.stringify({ sparsity: 0.75, pattern: "1x4", scope: "local", scale: 4 / 255, offset: -2 }),
    );
    const zerosOf = async (...flags: string[]) => {
      const argv = ["compress", model, "-o", output, "--calibrate", data, "--recipe", recipe, "--json"];
      const { out } = await pare([...argv, ...flags]);
      return JSON.parse(out).layers.map((layer: { sparsity: number }) => layer.sparsity);
    };
    for (const zeros of await zerosOf()) expect(zeros).toBeGreaterThanOrEqual(0.75);
    for (const zeros of await zerosOf("--sparsity", "0")) expect(zeros).toBeLessThan(0.5);
    // Scale and offset are the recipe's too: the same bytes as with flags.
    await zerosOf();
    const fromRecipe = await readFile(output);
    await zerosOf("--scale", String(4 / 255), "--offset", "-2");
    expect(await readFile(output)).toEqual(fromRecipe);
    await zerosOf("--scale", "1");
    expect(await readFile(output)).not.toEqual(fromRecipe);
  });

  test.each([
    ["[]", "recipe-json"],
    ["{", "recipe-json"],
    ['{"sparcity": 0.5}', "recipe-key"],
    ['{"__proto__": 1}', "recipe-key"],
    ['{"sparsity": 1}', "recipe-value"],
    ['{"pattern": "3x3"}', "recipe-value"],
    ['{"biasCorrection": 1}', "recipe-value"],
  ])("refuses the recipe %s", async (text, code) => {
    const { argv, folder, output } = await setUp();
    const recipe = join(folder, "recipe.json");
    await writeFile(recipe, text);
    const outcome = await pare([...argv, "--recipe", recipe]);
    expect(outcome.err).toContain(`refused (${code})`);
    expect(outcome.code).toBe(3);
    expect(existsSync(output)).toBe(false);
  });

  test("an interrupt leaves the old file and nothing half-written", async () => {
    const { argv, output, folder } = await setUp();
    await writeFile(output, "the old file");
    const before = await readdir(folder);
    const controller = new AbortController();
    // The first sign of work on a terminal is the moment that Ctrl-C comes.
    const onError = () => controller.abort(new Error("interrupted"));
    const { code, err } = await pare(argv, { signal: controller.signal, tty: true, onError });
    expect(code).toBe(130);
    expect(err).toContain("interrupted");
    expect(await readFile(output, "utf8")).toBe("the old file");
    expect(await readdir(folder)).toEqual(before);
  });
});

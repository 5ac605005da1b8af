import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encode as encodePng } from "fast-png";
import { describe, expect, test } from "vitest";
import { drawDigits } from "../../src/data/index.js";
import { writeNpy } from "./support.js";
import { setUp, setUpTable } from "./train-support.js";

describe("data of a recipe", () => {
  test("pictures in a folder a class, augmented; a table with words for classes", async () => {
    const { run, folder, rewrite, recipe } = await setUp();
    const rows = ["length,width,kind"];
    for (const [label, kind] of ["round", "flat"].entries()) {
      await mkdir(join(folder, "pictures", kind), { recursive: true });
      for (let i = 0; i < 20; i++) {
        const data = Uint8Array.from({ length: 64 }, (_, at) => (label === 0 ? 200 : at % 8 < 4 ? 200 : 10));
        const png = encodePng({ width: 8, height: 8, channels: 1, data, depth: 8 });
        await writeFile(join(folder, "pictures", kind, `${i}.png`), png);
        rows.push(`${label},${i / 20},${kind}`);
      }
    }
    await writeFile(join(folder, "table.csv"), rows.join("\n"));
    const modelOf = (shape: number[]) => ({
      layers: [
        { class_name: "Flatten", config: { batch_input_shape: [null, ...shape] } },
        { class_name: "Dense", config: { units: 2, activation: "softmax" } },
      ],
    });
    const stages = [{ kind: "train", epochs: 15, batchSize: 8, learningRate: 0.05 }];
    const augment = { shift: 1, noise: 0.05, flip: "vertical" };
    const sources = [
      [{ train: { pictures: "pictures" }, scale: 1 / 255, augment }, [8, 8, 1], "a"],
      [{ train: { csv: "table.csv", label: "kind" } }, [2, 1], "b"],
    ] as const;
    for (const [data, shape, output] of sources) {
      await rewrite({
        ...recipe,
        stages,
        model: modelOf([...shape]),
        data: { ...data, validation: 0.2 },
        output: { model: `${output}/model.json` },
      });
      const { code, out, err } = await run({}, "--json");
      expect(code, err).toBe(0);
      const said = JSON.parse(out);
      expect(said.classes).toEqual(["flat", "round"]);
      expect(said.quality).toMatchObject({ data: "validation", model: { accuracy: 1, samples: 8 } });
    }
  });

  test("a gzipped table is the table", async () => {
    const { folder, runTable } = await setUpTable(["a,b,kind", "0,1,no", "1,0,yes", "0,2,no"]);
    const plain = await runTable({ csv: "table.csv", label: "kind" });
    expect(plain.code, plain.err).toBe(0);
    const packed = gzipSync(await readFile(join(folder, "table.csv")));
    await writeFile(join(folder, "table.csv.gz"), packed);
    const { code, err } = await runTable({ csv: "table.csv.gz", label: "kind" });
    expect(code, err).toBe(0);
    expect(err).toContain("done before");
    await writeFile(join(folder, "table.csv.gz"), packed.subarray(0, 20));
    expect((await runTable({ csv: "table.csv.gz", label: "kind" })).err).toMatch(
      /gzip-corrupt.*table\.csv\.gz/,
    );
  });

  test("a column that is not there is told before its numbers, with those there are", async () => {
    const { runTable } = await setUpTable(["a,b,kind", "0,1,no", "1,0,yes"]);
    for (const source of [{ label: "zz" }, { label: "kind", columns: ["a", "zz"] }]) {
      const { code, err } = await runTable({ csv: "table.csv", ...source });
      expect(err).toMatch(/csv-column\): .*table\.csv: csv: no column "zz"; the table has a, b, kind$/m);
      expect(code).toBe(3);
    }
  });

  test.each([
    ["numbers", ["0.5", "", "2.5"]],
    ["words", ["no", "yes", " "]],
  ])("a blank label among %s is refused with its line", async (_, labels) => {
    const { runTable } = await setUpTable(["a,b,y", ...labels.map((label) => `1,2,${label}`)], 1);
    const { code, err } = await runTable({ csv: "table.csv", label: "y" });
    const blank = labels.findIndex((label) => label.trim() === "");
    expect(err).toContain(
      `table.csv: csv line ${blank + 2}, column y: wanted a number or a class, got "${labels[blank]}"`,
    );
    expect(code).toBe(3);
  });

  test("samples without a label are left out where a model is measured", async () => {
    const { run, folder, recipe, rewrite } = await setUp();
    const { labels } = drawDigits({ count: 400, seed: 1 });
    const some = Int32Array.from(labels, (label, i) => (i % 4 === 0 ? -1 : label));
    await writeNpy(join(folder, "some.npy"), { dtype: "int32", shape: [400], data: some });
    await writeNpy(join(folder, "none.npy"), { dtype: "int32", shape: [400], data: some.map(() => -1) });
    const train = { x: "train-x.idx", y: "some.npy" };
    const none = { x: "train-x.idx", y: "none.npy" };
    const scale = 1 / 255;
    for (const data of [
      { train, scale, validation: 0.5 },
      { train, scale, test: train },
    ]) {
      await rewrite({ ...recipe, data });
      const { code, out, err } = await run({}, "--restart", "--json");
      expect(code, err).toBe(0);
      const said = JSON.parse(out);
      const { samples, accuracy } = said.quality.model;
      expect(samples + said.unlabelled.validation + said.unlabelled.test).toBe(
        said.samples.validation + said.samples.test,
      );
      expect(said.unlabelled.train).toBe(100 - said.unlabelled.validation);
      if ("test" in data) expect(samples).toBe(300);
      else expect(samples).toBeLessThan(200);
      expect(accuracy).toBeGreaterThan(0.3);
    }
    const test = { x: "test-x.idx", y: "test-y.idx" };
    await rewrite({ ...recipe, data: { train, test, validation: train } });
    expect((await run({}, "--restart")).err).toMatch(
      /^samples: 400 to train on \(100 without a label\), 400 for validation \(100 without.*\), 100 to test$/m,
    );
    for (const [data, message] of [
      [{ train: none, validation: 0.1 }, /data\.validation: wanted samples with labels, got none among 40/],
      [{ train, validation: none }, /data\.validation: wanted samples with labels, got none among 400/],
      [{ train, test: none }, /data\.test: wanted samples with labels, got none among 400/],
    ] as const) {
      await rewrite({ ...recipe, data });
      const { code, err } = await run({}, "--restart");
      expect(err).toMatch(message);
      expect(err).not.toContain("stage 1");
      expect(code).toBe(1);
    }
  });

  test("labels that the model cannot give out are refused before the training", async () => {
    const { run, folder, recipe, rewrite } = await setUp();
    const { labels } = drawDigits({ count: 100, seed: 2 });
    const data = Int32Array.from(labels).fill(77, 5, 6);
    await writeNpy(join(folder, "bad.npy"), { dtype: "int32", shape: [100], data });
    const rows = new Uint8Array(300);
    await writeNpy(join(folder, "rows.npy"), { dtype: "uint8", shape: [100, 3], data: rows });
    const refused = async (y: string, use: "train" | "validation" | "test", message: string) => {
      await rewrite({ ...recipe, data: { ...recipe.data, [use]: { x: "test-x.idx", y } } });
      const { code, err } = await run();
      expect(err).toContain(message);
      expect(code).toBe(1);
    };
    const message = "bad.npy: label 5: wanted a class number from 0 to 9, or -1 for none, got 77";
    for (const use of ["train", "validation", "test"] as const) await refused("bad.npy", use, message);
    await refused("rows.npy", "test", "rows.npy: wanted 100 class numbers or 1000 numbers, got 300 numbers");
    // Of a later stage's model.
    const stages = [
      ...recipe.stages,
      { kind: "transfer", classes: 4, layer: "first", phases: [{ epochs: 1 }] },
    ];
    await rewrite({ stages });
    expect((await run()).err).toMatch(/train-y\.idx: label \d+: wanted a class number from 0 to 3/);
    expect(existsSync(join(folder, "out"))).toBe(false);
  });

  test("1 and -1 in a table are not a class and none", async () => {
    const lines = ["a,b,y", "0,1,1", "1,0,-1"];
    const classes = await (await setUpTable(lines)).runTable({ csv: "table.csv", label: "y" });
    expect(classes.err).toContain(
      "table.csv: csv line 3, column y: wanted a class number from 0 to 1, got -1",
    );
    expect(classes.code).toBe(1);
    const numbers = await (await setUpTable(lines, 1)).runTable({ csv: "table.csv", label: "y" });
    expect(numbers.code, numbers.err).toBe(0);
  });

  test("words for more classes than the model has are refused: numbers with one word among them too", async () => {
    const rows = ["1.5", "2.5", "n/a"].map((label, i) => `${i},1,${label}`);
    const { runTable } = await setUpTable(["a,b,y", ...rows], 1);
    const { code, err } = await runTable({ csv: "table.csv", label: "y" });
    expect(err).toContain("table.csv: wanted 2 classes at most, got 3: 1.5, 2.5, n/a");
    expect(code).toBe(1);
  });
});

import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as tf from "@tensorflow/tfjs";
import { encode as encodePng } from "fast-png";
import { describe, expect, test } from "vitest";
import { loadTfjsModel } from "../../src/cli/peer.js";
import { drawDigits, encodeIdx } from "../../src/data/index.js";
import { readArtifacts, saveModel } from "../../src/index.js";
import { denseArtifacts, type HostOptions, pare, temporaryFolder, writeNpy } from "./support.js";

type Recipe = Record<string, unknown>;

const layers = [
  {
    class_name: "Dense",
    config: { units: 24, activation: "relu", batch_input_shape: [null, 784], name: "first" },
  },
  { class_name: "Dense", config: { units: 10, activation: "softmax", name: "last" } },
];

/** A folder with digits and a recipe; what is given replaces keys of it. */
async function setUp(changes: Recipe = {}) {
  const folder = await temporaryFolder();
  for (const [name, count, seed] of [
    ["train", 400, 1],
    ["test", 100, 2],
  ] as const) {
    const { images, labels } = drawDigits({ count, seed });
    await writeFile(
      join(folder, `${name}-x.idx`),
      encodeIdx({ dtype: "uint8", shape: [count, 28, 28], data: images }),
    );
    await writeFile(
      join(folder, `${name}-y.idx`),
      encodeIdx({ dtype: "uint8", shape: [count], data: labels }),
    );
  }
  const recipe = {
    seed: 3,
    data: {
      train: { x: "train-x.idx", y: "train-y.idx" },
      test: { x: "test-x.idx", y: "test-y.idx" },
      validation: 0.1,
      scale: 1 / 255,
    },
    model: { layers },
    stages: [{ kind: "train", epochs: 4, batchSize: 32, learningRate: 0.005 }],
    output: { model: "out/model.json", pare: "out/digits.pare" },
    ...changes,
  };
  const path = join(folder, "recipe.json");
  await writeFile(path, JSON.stringify(recipe));
  const output = join(folder, "out");
  const run = (options: HostOptions = {}, ...flags: string[]) => pare(["train", path, ...flags], options);
  const rewrite = (more: Recipe) => writeFile(path, JSON.stringify({ ...recipe, ...more }));
  return { folder, path, recipe, output, run, rewrite };
}

/** Lines of a table, and a run that trains two numbers of a row for its label. */
async function setUpTable(lines: readonly string[], units = 2) {
  const { folder, run, rewrite } = await setUp();
  await writeFile(join(folder, "table.csv"), lines.join("\n"));
  const activation = units === 1 ? "linear" : "softmax";
  const layer = {
    class_name: "Dense",
    config: { units, activation, batch_input_shape: [null, 2], name: "only" },
  };
  const runTable = async (train: Recipe, more: Recipe = {}, ...flags: string[]) => {
    const stages = [{ kind: "train", epochs: 1 }];
    const output = { model: "out/model.json" };
    const loss = units === 1 ? { loss: "meanSquaredError" } : {};
    await rewrite({ model: { layers: [layer] }, data: { train }, stages, output, ...loss, ...more });
    return run({}, ...flags);
  };
  return { folder, runTable };
}

async function weightsOf(path: string): Promise<Record<string, Float32Array>> {
  const { weightSpecs, weightData } = await readArtifacts(path);
  let at = 0;
  return Object.fromEntries(
    weightSpecs.map(({ name, shape }) => {
      const bytes = 4 * shape.reduce((size, dim) => size * dim, 1);
      const values = new Float32Array(weightData.slice(at, at + bytes).buffer);
      at += bytes;
      return [name, values];
    }),
  );
}

const zeros = (values: Float32Array) => values.filter((value) => value === 0).length / values.length;
const pruned = { kind: "prune", epochs: 2, batchSize: 32, sparsity: 0.8, end: 0.5 };

describe("train", () => {
  test("stages follow each other; tfjs loads the model, the file runs", async () => {
    const stages = [
      { kind: "train", epochs: 4, batchSize: 32, learningRate: { schedule: "cosine", from: 0.01 } },
      pruned,
      { kind: "cluster", epochs: 1, batchSize: 32, clusters: 8 },
      { kind: "quantize", epochs: 1, batchSize: 32, samples: 64 },
    ];
    const { run, output, folder } = await setUp({ stages });
    const { code, out, err } = await run({}, "--json");
    expect(code, err).toBe(0);
    const said = JSON.parse(out);
    expect(said.samples).toEqual({ train: 360, validation: 40, test: 100 });
    expect(said.stages.map(({ kind, before }: Recipe) => [kind, before])).toEqual([
      ["train", false],
      ["prune", false],
      ["cluster", false],
      ["quantize", false],
    ]);
    expect(said.stages[0].epochs).toHaveLength(4);
    expect(said.stages[0].epochs[3].loss).toBeLessThan(said.stages[0].epochs[0].loss);
    expect(said.stages[0].epochs[3].validation.accuracy).toBeGreaterThan(0.3);
    // Guessing gets 10 %.
    expect(said.quality.model.accuracy).toBeGreaterThan(0.5);
    expect(Math.abs(said.quality.pare.accuracy - said.quality.model.accuracy)).toBeLessThan(0.03);

    // What a stage did holds in those after it: as many zeros, and few values beside them.
    const weights = await weightsOf(join(output, "model.json"));
    expect(zeros(weights["first/kernel"])).toBeGreaterThanOrEqual(0.8);
    expect(new Set(weights["first/kernel"]).size).toBeLessThanOrEqual(9);

    const model = (await loadTfjsModel(
      tf,
      await readArtifacts(join(output, "model.json")),
    )) as tf.LayersModel;
    expect(model.layers.map(({ name }) => name)).toEqual(["first", "last"]);
    model.dispose();

    const file = join(output, "digits.pare");
    const inspected = JSON.parse((await pare(["inspect", file, "--json"])).out);
    expect(inspected.layers[0].sparsity).toBeGreaterThanOrEqual(0.8);
    expect(inspected.provenance.accuracy).toEqual({
      before: said.quality.model.accuracy,
      after: said.quality.pare.accuracy,
    });
    const data = ["--data", join(folder, "test-x.idx"), "--labels", join(folder, "test-y.idx")];
    const evaluated = await pare(["eval", file, ...data, "--scale", String(1 / 255), "--json"]);
    expect(JSON.parse(evaluated.out).accuracy).toBe(said.quality.pare.accuracy);
  });

  test("a second run finds everything done and writes the same", async () => {
    const { run, output } = await setUp();
    const first = await run();
    expect(first.code, first.err).toBe(0);
    expect(first.err).toMatch(
      /^stage 1 of 1, train: 4 epochs in \d+ s, loss [\d.]+, [\d.]+ % on validation$/m,
    );
    expect(first.out).toMatch(/^.*digits\.pare +[\d.]+ KB +accuracy [\d.]+ % on test$/m);
    const files = ["digits.pare", "model.json"].map((name) => join(output, name));
    const before = await Promise.all(files.map((file) => readFile(file)));
    await rm(files[0]);
    const second = await run();
    expect(second.code).toBe(0);
    expect(second.err).toContain("train: 4 epochs done before");
    expect(await readFile(files[0])).toEqual(before[0]);
  });

  test("a run that was broken off goes on, and ends with the same weights", async () => {
    const stages = [{ kind: "train", epochs: 2, batchSize: 16 }, pruned];
    const [whole, broken] = [await setUp({ stages }), await setUp({ stages })];
    expect((await whole.run()).code).toBe(0);
    // Once within each stage, at the first sign of progress in it.
    for (const stage of ["stage 1 of 2", "stage 2 of 2"]) {
      const controller = new AbortController();
      const onError = (text: string) => {
        if (text.includes(stage) && text.includes("epoch 1")) controller.abort(new Error("interrupted"));
      };
      const { code, err } = await broken.run({ signal: controller.signal, tty: true, onError });
      expect(err).toContain("interrupted");
      expect(code).toBe(130);
      expect(await readdir(broken.output)).toEqual([".train"]);
      expect(await readdir(join(broken.output, ".train"))).toContain(`stage-${stage[6]}-run.checkpoint`);
    }
    const { code, out } = await broken.run({}, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out).stages.map(({ before }: Recipe) => before)).toEqual([true, false]);
    const [a, b] = [whole, broken].map(({ output }) => weightsOf(join(output, "model.json")));
    expect(await b).toEqual(await a);
  });

  test("a changed recipe is refused unless it is to begin afresh; other spaces and paths change nothing", async () => {
    const { run, rewrite, recipe, path } = await setUp();
    expect((await run()).code).toBe(0);
    await writeFile(path, JSON.stringify(Object.fromEntries(Object.entries(recipe).reverse()), null, 4));
    expect((await run()).err).toContain("done before");
    await rewrite({ seed: 4 });
    const refused = await run();
    expect(refused.err).toMatch(
      /\.train: holds a run of another recipe, model or data; --restart throws it away/,
    );
    expect(refused.code).toBe(2);
    const restarted = await run({}, "--restart", "--json");
    expect(restarted.code, restarted.err).toBe(0);
    expect(JSON.parse(restarted.out).stages[0].before).toBe(false);
    expect((await run({}, "--json")).code).toBe(0);
  });

  test("first weights are the same each time, whatever the seed is and whoever says it", async () => {
    const drawn = (initializer: string, seed?: number) => ({
      class_name: initializer,
      config: seed === undefined ? {} : { seed },
    });
    const dense = (units: number, initializer: object, more: object = {}) => ({
      class_name: "Dense",
      config: { units, kernel_initializer: initializer, ...more },
    });
    const model = {
      layers: [
        dense(8, drawn("GlorotNormal"), { batch_input_shape: [null, 784] }),
        dense(8, drawn("RandomNormal", 0), { bias_initializer: drawn("TruncatedNormal") }),
        dense(8, drawn("Orthogonal")),
        dense(10, drawn("RandomUniform", 0), { activation: "softmax" }),
      ],
    };
    for (const seed of [undefined, 0, -2]) {
      const { run } = await setUp({ seed, model, stages: [{ kind: "train", epochs: 1 }] });
      expect((await run()).code).toBe(0);
      const second = await run();
      expect(second.code, second.err).toBe(0);
      expect(second.err).toContain("done before");
    }
  });

  test("other data under the same name is another run too", async () => {
    const { run, folder } = await setUp();
    expect((await run()).code).toBe(0);
    const { images } = drawDigits({ count: 400, seed: 9 });
    await writeFile(
      join(folder, "train-x.idx"),
      encodeIdx({ dtype: "uint8", shape: [400, 28, 28], data: images }),
    );
    expect((await run()).code).toBe(2);
  });

  test("a folder .train of something else is left alone", async () => {
    const { run, output } = await setUp();
    await mkdir(join(output, ".train"), { recursive: true });
    await writeFile(join(output, ".train", "precious.txt"), "mine");
    const { code, err } = await run({}, "--restart");
    expect(err).toMatch(/wanted a folder of pare train, got one of something else/);
    expect(code).toBe(2);
    expect(existsSync(join(output, ".train", "precious.txt"))).toBe(true);
  });

  test("a model.json goes on from its weights", async () => {
    const { run, folder, output, rewrite } = await setUp();
    const start = denseArtifacts([784, 16, 10], ["relu", "softmax"]);
    await saveModel(join(folder, "start"), start);
    const stages = [{ kind: "train", epochs: 1, learningRate: 1e-9 }];
    await rewrite({ model: "start/model.json", stages, output: { model: "out/model.json" } });
    const { code, err } = await run();
    expect(code, err).toBe(0);
    const [before, after] = await Promise.all(
      [join(folder, "start"), output].map((at) => weightsOf(join(at, "model.json"))),
    );
    for (const [name, values] of Object.entries(after)) {
      values.forEach((value, i) => {
        expect(Math.abs(value - before[name][i])).toBeLessThan(1e-6);
      });
    }
    expect(existsSync(join(output, "digits.pare"))).toBe(false);
  });

  test("a thinner student learns from its teacher, pruned meanwhile", async () => {
    const teacher = await setUp();
    expect((await teacher.run()).code).toBe(0);
    const { run, output } = await setUp({
      model: { thinner: 0.5 },
      teacher: join(teacher.output, "model.json"),
      stages: [
        {
          kind: "distil",
          epochs: 4,
          batchSize: 32,
          learningRate: 0.005,
          losses: [{ name: "softTargets", temperature: 2, alpha: 0.8 }],
          prune: { sparsity: 0.5, pattern: "1x4" },
        },
      ],
    });
    const { code, out, err } = await run({}, "--json");
    expect(code, err).toBe(0);
    expect(JSON.parse(out).quality.model.accuracy).toBeGreaterThan(0.4);
    const weights = await weightsOf(join(output, "model.json"));
    expect(weights["first/kernel"].length).toBe(784 * 12);
    expect(zeros(weights["first/kernel"])).toBeGreaterThanOrEqual(0.5);
  });

  test("a transfer puts a new head on a base that stays as it is, phase by phase", async () => {
    const { run, folder, output, rewrite } = await setUp();
    const base = denseArtifacts([784, 16, 10], ["relu", "softmax"]);
    await saveModel(join(folder, "base"), base);
    const frozen = { epochs: 6, learningRate: 0.05 };
    for (const phases of [[frozen], [frozen, { epochs: 1, unfreeze: ["dense_1"], baseRate: 0.1 }]]) {
      const stages = [{ kind: "transfer", classes: 10, layer: "dense_1", batchSize: 32, phases }];
      await rewrite({ model: "base/model.json", stages });
      const { code, out, err } = await run({}, "--restart", "--json");
      expect(code, err).toBe(0);
      const said = JSON.parse(out);
      expect(said.stages[0].epochs).toHaveLength(phases.length + 5);
      expect(said.quality.model.accuracy).toBeGreaterThan(0.3);
      const weights = await weightsOf(join(output, "model.json"));
      const before = (await weightsOf(join(folder, "base", "model.json")))["dense_1/kernel"];
      if (phases.length === 1) expect(weights["dense_1/kernel"]).toEqual(before);
      else expect(weights["dense_1/kernel"]).not.toEqual(before);
      // The layer behind the one whose output is the features is gone.
      expect(Object.keys(weights).some((name) => name.startsWith("dense_2/"))).toBe(false);
    }
  });

  test("after a transfer nothing is asked of the new weights that stages before it did", async () => {
    const phases = [{ epochs: 1 }];
    const stages = [
      { ...pruned, epochs: 1, end: 0 },
      { kind: "transfer", classes: 10, layer: "first", phases },
    ];
    const { run, output } = await setUp({ stages: [...stages, { kind: "train", epochs: 1 }] });
    const { code, err } = await run();
    expect(code, err).toBe(0);
    const weights = await weightsOf(join(output, "model.json"));
    // What was pruned was frozen, and is free in the stage after it.
    expect(zeros(weights["first/kernel"])).toBeLessThan(0.8);
  });

  test("a stage that diverges fails by name, and is not finished", async () => {
    const { run, output } = await setUp({
      stages: [{ kind: "train", epochs: 1, optimizer: "sgd", learningRate: 1e38 }],
    });
    const { code, err } = await run();
    expect(err).toMatch(/stage 1, train: diverged: first\/kernel: wanted finite numbers, got NaN at/);
    expect(code).toBe(1);
    expect(existsSync(join(output, ".train", "stage-1", "outcome.json"))).toBe(false);
  });

  test("a stage ends early where the held-out data gets no better", async () => {
    const stages = [
      { kind: "train", epochs: 50, batchSize: 32, learningRate: 1e-9, patience: 1, minimumGain: 1 },
    ];
    const { run } = await setUp({ stages });
    const { out } = await run({}, "--json");
    expect(JSON.parse(out).stages[0].epochs).toHaveLength(2);
  });

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

  test("what was trained is written before it is measured", async () => {
    const { run, output } = await setUp();
    const controller = new AbortController();
    const onError = (text: string) => {
      if (text.includes("measuring")) controller.abort(new Error("interrupted"));
    };
    const { code } = await run({ signal: controller.signal, tty: true, onError });
    expect(code).toBe(130);
    expect(await readdir(output)).toEqual(expect.arrayContaining(["model.json", "digits.pare"]));
    expect((await pare(["inspect", join(output, "digits.pare")])).code).toBe(0);
  });

  test("nothing of tfjs is left behind, whatever happens", async () => {
    const { run, rewrite } = await setUp();
    await tf.setBackend("wasm");
    const before = tf.memory().numTensors;
    expect((await run()).code).toBe(0);
    await rewrite({ stages: [{ kind: "prune", epochs: 1, sparsity: 0.5, include: ["nowhere"] }] });
    const { code, err } = await run({}, "--restart");
    expect(err).toMatch(/include: no weight is meant by nowhere/);
    expect(code).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("a recipe is refused", () => {
  const stage = { kind: "train", epochs: 1 };
  test.each<[string, Recipe, string]>([
    [
      "an unknown key",
      { sede: 1 },
      'recipe-key): PATH: wanted data, model, stages, output, seed, teacher, loss, got "sede"',
    ],
    [
      "an unknown key within",
      { data: { train: { x: "a", y: "b", z: "c" } } },
      'PATH: data.train: wanted x, y, got "z"',
    ],
    ["a missing key", { data: { train: { x: "a" } } }, "PATH: data.train: wanted y, got no such key"],
    [
      "an unknown stage",
      { stages: [{ kind: "shrink" }] },
      "PATH: stages[0].kind: wanted one of train, distil,",
    ],
    [
      "a stage without epochs",
      { stages: [stage, { kind: "prune" }] },
      "PATH: stages[1]: wanted epochs, got no such key",
    ],
    [
      "a key of another stage",
      { stages: [{ ...stage, sparsity: 0.5 }] },
      "PATH: stages[0]: wanted kind, epochs,",
    ],
    [
      "a value out of range",
      { stages: [{ ...stage, prune: { sparsity: 1 } }] },
      "PATH: stages[0].prune.sparsity: wanted a number from 0 to below 1, got 1",
    ],
    [
      "an unknown schedule",
      { stages: [{ ...stage, learningRate: { schedule: "linear" } }] },
      "learningRate.schedule: wanted one of cosine, steps, exponential",
    ],
    ["no stages", { stages: [] }, "PATH: stages: wanted a list, got []"],
    [
      "an output of another name",
      { output: { model: "out/net.json" } },
      "output.model: wanted a path that ends in model.json",
    ],
    [
      "no augmentation",
      { data: { train: { pictures: "p" }, augment: { blur: 1 } } },
      'data.augment: wanted shift, rotate, scale, elastic, flip, noise, fill, got "blur"',
    ],
  ])("%s", async (_, changes, message) => {
    const { run, path, output } = await setUp(changes);
    const { code, err } = await run();
    expect(err).toContain(message.replace("PATH", path));
    expect(code).toBe(3);
    expect(existsSync(output)).toBe(false);
  });

  test.each<[string, Recipe, RegExp]>([
    [
      "distil without a teacher",
      { stages: [{ kind: "distil", epochs: 1 }] },
      /stages\[0\], distil, needs a teacher/,
    ],
    ["a thinner model of none", { model: { thinner: 0.5 } }, /model\.thinner needs a teacher/],
    [
      "patience without validation",
      { data: { train: { x: "train-x.idx", y: "train-y.idx" } }, stages: [{ ...stage, patience: 1 }] },
      /stages\[0\]\.patience needs data\.validation/,
    ],
    [
      "layers that tfjs has not",
      { model: { layers: [{ class_name: "Denser", config: {} }] } },
      /model: tfjs cannot build it: .*Denser/,
    ],
    [
      "an output over its input",
      { output: { model: "model.json", pare: "x.pare" }, model: "model.json" },
      /wanted another file to write than the input/,
    ],
  ])("%s", async (_, changes, message) => {
    const { run, folder } = await setUp(changes);
    await saveModel(folder, denseArtifacts([784, 10], ["softmax"]));
    const { code, err } = await run();
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  test("a model of other sizes than the data, labels of another number", async () => {
    const model = {
      layers: [{ class_name: "Dense", config: { units: 10, batch_input_shape: [null, 100] } }],
    };
    expect((await (await setUp({ model })).run()).err).toMatch(/train-x\.idx: wanted \[samples, 100\]/);
    const data = { train: { x: "train-x.idx", y: "test-y.idx" } };
    expect((await (await setUp({ data })).run()).err).toMatch(
      /test-y\.idx: wanted labels for 400 samples, got 100/,
    );
  });
});

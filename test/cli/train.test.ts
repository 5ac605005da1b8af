import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { loadTfjsModel } from "../../src/cli/peer.js";
import { drawDigits, encodeIdx } from "../../src/data/index.js";
import { readArtifacts, saveModel } from "../../src/index.js";
import { denseArtifacts, pare } from "./support.js";
import { pruned, type Recipe, setUp, weightsOf, zeros } from "./train-support.js";

test("a head without softmax is warned of once, with --json too", async () => {
  const config = { units: 10, batch_input_shape: [null, 784], name: "only" };
  const stages = [1, 2].map(() => ({ kind: "train", epochs: 1 }));
  const { run } = await setUp({ model: { layers: [{ class_name: "Dense", config }] }, stages });
  const { code, err } = await run({}, "--json");
  expect(code, err).toBe(0);
  expect(err.match(/warning: loss: .*only, the model's last layer.*activation linear/g)).toHaveLength(1);
});

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
    const told = said.stages.map((stage: Recipe) =>
      (stage.pruned as Recipe[] | undefined)?.map(({ name }) => name),
    );
    expect(told).toEqual([undefined, ["first/kernel", "last/kernel"], undefined, undefined]);
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
    // Said once, by the stage that pruned.
    expect(
      err.match(/^ {2}first\/kernel: 8\d\.\d % zeros, by its LAMP scores among all layers$/gm),
    ).toHaveLength(1);
    expect(
      err.match(/^ {2}last\/kernel: 0\.0 % zeros, left dense: tiny: \d+ of \d+ weights$/gm),
    ).toHaveLength(1);
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

import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { saveModel } from "../../src/index.js";
import { denseArtifacts } from "./support.js";
import { type Recipe, setUp } from "./train-support.js";

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
    [
      "a schedule by its name that needs numbers",
      { stages: [{ ...stage, learningRate: "steps" }] },
      'learningRate: wanted a number above 0, "cosine" or an object such as { "schedule": "steps", "from": 0.001',
    ],
    ["no stages", { stages: [] }, "PATH: stages: wanted a list of at least one, got []"],
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
      "labels that are no classes, without a loss",
      { model: { layers: [{ class_name: "Dense", config: { units: 1, batch_input_shape: [null, 784] } }] } },
      /recipe\.json: loss: wanted one of .*meanSquaredError.* for stages\[0\]/,
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

test("a learning rate of cosine is that of the optimizer, falling to 0", async () => {
  const losses = async (learningRate: unknown, optimizer: string) => {
    const stages = [{ kind: "train", epochs: 2, batchSize: 32, optimizer, learningRate }];
    const { code, out, err } = await (await setUp({ stages, output: { model: "out/model.json" } })).run(
      {},
      "--json",
    );
    expect(code, err).toBe(0);
    return JSON.parse(out).stages[0].epochs.map(({ loss }: { loss: number }) => loss);
  };
  for (const [optimizer, from] of [
    ["adam", 0.001],
    ["sgd", 0.01],
  ] as const) {
    expect(await losses("cosine", optimizer)).toEqual(await losses({ schedule: "cosine", from }, optimizer));
  }
});

test("a recipe that failed before its first step does not stand in the way of the next", async () => {
  const { run, rewrite } = await setUp({
    stages: [{ kind: "prune", epochs: 1, sparsity: 0.5, include: ["nope"] }],
  });
  expect((await run()).err).toMatch(/nope/);
  await rewrite({ stages: [{ kind: "prune", epochs: 1, sparsity: 0.5, include: ["first"] }] });
  const { code, err } = await run();
  expect(code, err).toBe(0);
});

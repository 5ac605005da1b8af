/** Recipes of `pare train` in folders of their own. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { drawDigits, encodeIdx } from "../../src/data/index.js";
import { readArtifacts } from "../../src/index.js";
import { type HostOptions, pare, temporaryFolder } from "./support.js";

export type Recipe = Record<string, unknown>;

const layers = [
  {
    class_name: "Dense",
    config: { units: 24, activation: "relu", batch_input_shape: [null, 784], name: "first" },
  },
  { class_name: "Dense", config: { units: 10, activation: "softmax", name: "last" } },
];

/** A folder with digits and a recipe; what is given replaces keys of it. */
export async function setUp(changes: Recipe = {}) {
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
export async function setUpTable(lines: readonly string[], units = 2) {
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

export async function weightsOf(path: string): Promise<Record<string, Float32Array>> {
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

export const zeros = (values: Float32Array) => values.filter((value) => value === 0).length / values.length;
export const pruned = { kind: "prune", epochs: 2, batchSize: 32, sparsity: 0.8, end: 0.5 };

/** Recipes as they are documented: they run, and schema, help and page say what the strict reader takes. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encode as encodePng } from "fast-png";
import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/cli/json-schema.js";
import { guideFor, keyGuides } from "../../src/cli/train/guide.js";
import { recipeCheck } from "../../src/cli/train/recipe.js";
import { recipePage, recipeSections, schemaText, trainSchema } from "../../src/cli/train/schema.js";
import { createRandom, drawDigits, encodeIdx } from "../../src/data/index.js";
import { pare, temporaryFolder } from "./support.js";
import { setUp } from "./train-support.js";

type Json = Record<string, unknown>;

const page = await readFile("docs/recipes.md", "utf8");
const recipes = Array.from(page.matchAll(/```json\n([\s\S]*?)```/g), ([, text]) => JSON.parse(text) as Json);

test("README's recipe is one", async () => {
  const [, text] = /```json\n([\s\S]*?)```/.exec(await readFile("README.md", "utf8")) ?? [];
  expect(() => recipeCheck(JSON.parse(text), { file: "README.md", key: "" })).not.toThrow();
});

test("the schema and the page are those of today: npm run schema", async () => {
  expect(await readFile("schema/train.schema.json", "utf8")).toBe(schemaText());
  expect(recipePage(page)).toBe(page);
});

describe("keys", () => {
  const used = new Set<string>();
  const rows: { path: string; isRequired: boolean; usual: unknown }[] = [];
  function visit(schema: JsonSchema, path: readonly string[]): void {
    const inner = schema.title === undefined ? path : [...path, schema.title];
    for (const [key, value] of Object.entries(schema.properties ?? {})) {
      const found = guideFor([...inner, key]);
      if (found) used.add(found.entry);
      const isRequired = schema.required?.includes(key) ?? false;
      rows.push({ path: [...inner, key].join("."), isRequired, usual: found?.guide.usual });
      expect(found?.guide.means, [...inner, key].join(".")).toBeTruthy();
      visit(value, [...inner, key]);
    }
    for (const one of [...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])]) visit(one, inner);
  }

  test("all are in the guide, nothing else is, and what may be left out has a default", () => {
    visit(recipeCheck.schema ?? {}, []);
    expect(rows.length).toBeGreaterThan(100);
    expect(Object.keys(keyGuides).filter((entry) => !used.has(entry))).toEqual(["$schema"]);
    expect(rows.filter(({ isRequired, usual }) => isRequired === (usual !== undefined))).toEqual([]);
  });

  test("are in the help and on the page, each with what it takes and means", async () => {
    const { code, out } = await pare(["train", "--help"]);
    expect(code).toBe(0);
    const said = out.replace(/\s+/g, " ");
    for (const { title, keys } of recipeSections()) {
      expect(page).toContain(`### ${title}\n`);
      for (const { key, type, words } of keys) expect(said).toContain(`${key} ${type}: ${words}`);
    }
  });
});

describe("the schema takes what the reader takes", () => {
  test("the recipes of the page, and none that is changed into something wrong", async () => {
    const schema = trainSchema();
    const place = { file: "recipe.json", key: "" };
    const readerTakes = ({ $schema: _, ...recipe }: Json) => {
      try {
        recipeCheck(recipe, place);
        return true;
      } catch {
        return false;
      }
    };
    const odd = [0, -1, 0.5, 1, 2, 1.5, "", "cosine", "x", true, null, [], ["a"], {}, { schedule: "steps" }];
    let refused = 0;
    for (const recipe of recipes) {
      expect(fits(schema, recipe)).toBe(true);
      expect(readerTakes(recipe)).toBe(true);
      for (const changed of [...changes(recipe, odd)]) {
        const takes = readerTakes(changed);
        if (!takes) refused++;
        expect(fits(schema, changed), JSON.stringify(changed)).toBe(takes);
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });

  test("a $schema may be there, as text", async () => {
    const { run, rewrite } = await setUp({ $schema: "./train.schema.json" });
    expect((await run()).code).toBe(0);
    await rewrite({ $schema: 5 });
    expect((await run()).err).toContain("$schema: wanted a path or a URL, got 5");
  });
});

/** Each value in it replaced by each other, each key taken away, and a key put into each object. */
function* changes(recipe: Json, odd: readonly unknown[]): Generator<Json> {
  const paths: (readonly (string | number)[])[] = [];
  const visit = (value: unknown, path: readonly (string | number)[]): void => {
    // What layers have is tfjs' affair, and a $schema the reader's of the file.
    if (path.includes("layers") || path[0] === "$schema") return;
    if (path.length > 0) paths.push(path);
    if (typeof value !== "object" || value === null) return;
    for (const [key, item] of Object.entries(value))
      visit(item, [...path, Array.isArray(value) ? Number(key) : key]);
  };
  visit(recipe, []);
  const edited = (path: readonly (string | number)[], edit: (holder: Json, key: string) => void): Json => {
    const copy = structuredClone(recipe);
    const holder = path.slice(0, -1).reduce<unknown>((at, key) => (at as Json)[key], copy) as Json;
    edit(holder, String(path.at(-1)));
    return copy;
  };
  for (const path of paths) {
    for (const value of odd) {
      yield edited(path, (holder, key) => {
        holder[key] = value;
      });
    }
    if (typeof path.at(-1) === "string") {
      yield edited(path, (holder, key) => {
        delete holder[key];
      });
    }
    yield edited([...path, "nope"], (holder, key) => {
      if (typeof holder === "object" && !Array.isArray(holder)) holder[key] = 1;
    });
  }
}

/** JSON Schema as far as ours goes: what it does not know it throws at. */
function fits(schema: JsonSchema, value: unknown): boolean {
  const known = new Set(
    "$schema $id title description type const not enum pattern minLength minimum exclusiveMinimum maximum exclusiveMaximum minItems items properties required additionalProperties anyOf".split(
      " ",
    ),
  );
  const unknown = Object.keys(schema).find((key) => !known.has(key));
  if (unknown !== undefined) throw new Error(`schema: ${unknown} is unknown`);
  if (schema.anyOf && !schema.anyOf.some((one) => fits(one, value))) return false;
  if (schema.not && fits(schema.not, value)) return false;
  if (schema.const !== undefined && value !== schema.const) return false;
  if (schema.enum && !schema.enum.includes(value as string)) return false;
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const isOfType =
    schema.type === "integer" ? Number.isInteger(value) : schema.type === undefined || schema.type === kind;
  if (!isOfType) return false;
  if (typeof value === "string") {
    if (value.length < (schema.minLength ?? 0)) return false;
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) return false;
  }
  if (typeof value === "number") {
    const { minimum = value, maximum = value, exclusiveMinimum, exclusiveMaximum } = schema;
    if (value < minimum || value > maximum) return false;
    if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) return false;
    if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) return false;
  }
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) return false;
    return value.every((item) => fits(schema.items ?? {}, item));
  }
  if (kind !== "object") return true;
  const given = value as Json;
  if (schema.required?.some((key) => !Object.hasOwn(given, key))) return false;
  return Object.entries(given).every(([key, item]) => {
    const own = schema.properties?.[key] ?? schema.additionalProperties;
    return own === false ? false : typeof own === "object" ? fits(own, item) : true;
  });
}

test("the recipes of the page run, one after the other", { timeout: 120_000 }, async () => {
  expect(recipes).toHaveLength(5);
  const folder = await temporaryFolder();
  await writeData(folder);
  for (const [i, recipe] of recipes.entries()) {
    const path = join(folder, `${i}.json`);
    await writeFile(path, JSON.stringify(recipe));
    const { code, out, err } = await pare(["train", path, "--json"]);
    expect(code, err).toBe(0);
    const { quality, fileBytes } = JSON.parse(out);
    // Better than any guess, which is what a few drawn digits allow.
    const chance = [0.1, 0.1, 0.1, 0.5, 1 / 3][i];
    expect(quality.model.accuracy, path).toBeGreaterThan(chance + 0.2);
    if (fileBytes) expect(quality.pare.accuracy, path).toBeGreaterThan(quality.model.accuracy - 0.1);
  }
});

/** What the page says that there is, drawn: digits, pictures of two of them, flowers. */
async function writeData(folder: string): Promise<void> {
  await mkdir(join(folder, "mnist"));
  for (const [name, count, seed] of [
    ["train", 1200, 1],
    ["t10k", 200, 2],
  ] as const) {
    const { images, labels } = drawDigits({ count, seed });
    const write = (file: string, shape: number[], data: Uint8Array) =>
      writeFile(join(folder, "mnist", file), gzipSync(encodeIdx({ dtype: "uint8", shape, data })));
    await write(`${name}-images-idx3-ubyte.gz`, [count, 28, 28], images);
    await write(`${name}-labels-idx1-ubyte.gz`, [count], labels);
  }
  const { images, labels } = drawDigits({ count: 400, seed: 3 });
  const taken = [0, 0];
  for (const [i, label] of labels.entries()) {
    if (label > 1 || taken[label] >= 30) continue;
    const own = join(folder, "photos", label === 0 ? "ring" : "stick");
    await mkdir(own, { recursive: true });
    const data = images.subarray(i * 784, (i + 1) * 784);
    await writeFile(
      join(own, `${taken[label]++}.png`),
      encodePng({ width: 28, height: 28, channels: 1, depth: 8, data }),
    );
  }
  const random = createRandom(5);
  const rows = Array.from({ length: 120 }, (_, i) => {
    const middle = [5 + (i % 3), 3, 1.5 + 2 * (i % 3), 0.2 + (i % 3)];
    return [
      ...middle.map((value) => (value + 0.3 * random.normal()).toFixed(1)),
      ["setosa", "versicolor", "virginica"][i % 3],
    ];
  });
  const lines = [
    "sepal_length,sepal_width,petal_length,petal_width,species",
    ...rows.map((row) => row.join()),
  ];
  await writeFile(join(folder, "flowers.csv"), lines.join("\n"));
}

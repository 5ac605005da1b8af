/** Searches over classes, and class attributes by name. */

import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { createRandom, csvMatrix, parseCsv } from "../../../src/data/index.js";
import {
  classEmbeddings,
  eszsl,
  evaluateZeroShot,
  type Rows,
  sae,
  searchCalibration,
  searchEszsl,
  searchSae,
  searchZeroShot,
  type ZeroShotData,
} from "../../../src/tfjs.js";
import { useBackend } from "../support.js";
import { corners, grid, plant, rowsOf, seenCorners } from "./support.js";

beforeAll(() => useBackend("cpu"));

const map = grid(4, 12, 6);
const attributes = rowsOf(corners);

function noisy(classes: readonly number[], each: number, noise: number, seed: number): ZeroShotData {
  const random = createRandom(seed);
  const labels = classes.flatMap((label) => new Array<number>(each).fill(label));
  const x = plant(labels, corners, map).map((row) => row.map((value) => value + random.normal(0, noise)));
  return { features: rowsOf(x), labels, attributes };
}

describe("searchZeroShot", () => {
  const data = noisy(seenCorners, 6, 0.5, 1);

  test("trains without the classes that it asks for, each of them in its turn", async () => {
    const held: number[][] = [];
    const { best, accuracy, tried } = await searchZeroShot(
      data,
      ["own", "first"],
      (part) => (choice) => {
        const present = new Set(Array.from(part.labels));
        expect((part.features as Rows).count).toBe(part.labels.length);
        const model = eszsl({ ...part, gamma: 1, lambda: 1 });
        return {
          ...model,
          predict(features, classes = []) {
            if (choice === "own") held.push([...(classes as number[])]);
            expect(Array.from(classes).some((label) => present.has(label))).toBe(false);
            expect(present.size + classes.length).toBe(8);
            return choice === "own"
              ? model.predict(features, classes)
              : new Int32Array(1000).fill(classes[0]);
          },
        };
      },
      { rounds: 4, heldOut: 2, seed: 5 },
    );
    expect(held.flat().sort((a, b) => a - b)).toEqual(seenCorners);
    expect(best).toBe("own");
    expect(tried[1].accuracy).toBe(0.5); // one of two classes, whose samples are all right
    expect(accuracy).toBe(tried[0].accuracy);
  });

  test("finds numbers for ESZSL and SAE that are better than the worst, the same for the same seed", async () => {
    const rough = noisy(seenCorners, 3, 3, 2);
    const search = await searchEszsl(rough, { rounds: 6, seed: 1, gammas: [100, 1e-3], lambdas: [1, 1e-3] });
    expect(search.tried.map(({ choice }) => choice)).toEqual([
      { gamma: 100, lambda: 1 },
      { gamma: 100, lambda: 1e-3 },
      { gamma: 1e-3, lambda: 1 },
      { gamma: 1e-3, lambda: 1e-3 },
    ]);
    const rates = search.tried.map(({ accuracy }) => accuracy);
    expect(search.accuracy).toBe(Math.max(...rates));
    expect(search.best).toEqual(search.tried[rates.indexOf(search.accuracy)].choice);
    expect(search.accuracy).toBeGreaterThan(Math.min(...rates));
    expect(await searchEszsl(rough, { rounds: 6, seed: 1, gammas: [100, 1e-3], lambdas: [1, 1e-3] })).toEqual(
      search,
    );
    expect((await searchEszsl(rough, { rounds: 1 })).tried).toHaveLength(63);
    expect((await searchSae(rough, { rounds: 1 })).tried).toHaveLength(10);
  });

  test("similarity and scalings hold in a search", async () => {
    const options = { rounds: 2, gammas: [1], lambdas: [1] };
    const flat = { ...data, featureScaling: "l1" as "l2" };
    await expect(searchEszsl(flat, options)).rejects.toThrow("featureScaling: wanted");
    await expect(searchEszsl({ ...data, similarity: "near" as "dot" }, options)).rejects.toThrow(
      "similarity: wanted",
    );
  });

  test("a calibration found on seen classes helps unseen ones", async () => {
    const train = (part: ZeroShotData) =>
      eszsl({ ...part, gamma: 10, lambda: 1, attributeScaling: "center", featureScaling: "center" });
    const unseen = [0, 6, 13];
    const seen = [...corners.keys()].filter((label) => !unseen.includes(label));
    // Each class has a mark of its own too, which a model knows of seen classes alone.
    const marked = (data: ZeroShotData): ZeroShotData => {
      const { data: x } = data.features as Rows;
      const rows = Array.from(data.labels, (label, i) => [
        ...x.subarray(i * 12, (i + 1) * 12),
        ...corners.map((_, k) => (k === label ? 3 : 0)),
      ]);
      return { ...data, features: rowsOf(rows) };
    };
    const known = marked(noisy(seen, 20, 2.5, 3));
    const { calibration, harmonic } = await searchCalibration(known, train, { rounds: 8, heldOut: 3 });
    const report = evaluateZeroShot(train(known), {
      unseen: marked(noisy(unseen, 60, 2.5, 4)),
      seen: marked(noisy(seen, 20, 2.5, 5)),
      calibration,
    });
    expect(calibration).toBeGreaterThan(0);
    expect(harmonic).toBeGreaterThan(0.5);
    expect(report.calibrated?.harmonic).toBeGreaterThan(report.generalized.harmonic + 0.02);
    // Of all calibrations the best one of these samples is not far above.
    const best = Math.max(...Array.from(report.curve.switches, (at) => report.curve.at(at).harmonic));
    expect(report.calibrated?.harmonic).toBeGreaterThan(best - 0.05);
  });

  test("refuses what cannot be held out, and ends by its signal", async () => {
    const open = (part: ZeroShotData) => () => eszsl({ ...part, gamma: 1, lambda: 1 });
    await expect(searchZeroShot(data, [], open)).rejects.toThrow("choices: wanted one or more, got none");
    await expect(searchZeroShot(data, [1], open, { heldOut: 7 })).rejects.toThrow(
      "heldOut: wanted an integer in [2, 6], got 7",
    );
    await expect(searchZeroShot(data, [1], open, { rounds: 0 })).rejects.toThrow(
      "rounds: wanted an integer >= 1, got 0",
    );
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(searchZeroShot(data, [1], open, { signal })).rejects.toThrow("enough");
    const few = noisy(seenCorners, 4, 0, 1);
    await expect(searchCalibration(few, (part) => open(part)())).rejects.toThrow(
      "labels: wanted a class of five samples or more, got none",
    );
  });
});

describe("classEmbeddings", () => {
  const vectors = { bear: [1, 2], polar: [3, 6], "sea lion": [5, 5] };

  test("looks up names, and the mean of their words", () => {
    const { data, count } = classEmbeddings(["bear", "polar_bear", "sea lion", "polar-bear bear"], vectors);
    expect(count).toBe(4);
    [1, 2, 2, 4, 5, 5, 5 / 3, 10 / 3].forEach((value, i) => {
      expect(data[i]).toBeCloseTo(value, 6);
    });
  });

  test("lists what has no vector", () => {
    expect(() => classEmbeddings(["bear", "lion", "polar_cat", "toString"], vectors)).toThrow(
      "names: wanted some that have a vector, got lion, polar_cat, toString",
    );
    expect(() => classEmbeddings([], vectors)).toThrow("got no names");
    expect(() => classEmbeddings(["bear", "cat"], { ...vectors, cat: [1] })).toThrow(
      "vectors: wanted all of 2 as bear, got 1 for cat",
    );
  });
});

const words = "../shared/data/wordvecs1000/wordvecs1000.json";
if (!existsSync(words)) console.log(`skipped: zero-shot by word vectors, ${words} is absent`);

test.skipIf(!existsSync(words))("word vectors, more of them than classes, are attributes like others", () => {
  const { vectors } = JSON.parse(readFileSync(words, "utf8")) as { vectors: Record<string, number[]> };
  const names = ["one", "two", "three", "four", "six", "king", "queen"].filter((name) => name in vectors);
  const named = classEmbeddings(names, vectors);
  const size = named.data.length / named.count;
  expect(size).toBe(300);
  // The vectors themselves, a little off, are the features: every class is its own best.
  const random = createRandom(1);
  const labels = names.flatMap((_, label) => [label, label, label]);
  const x = labels.map((label) =>
    Array.from(
      named.data.subarray(label * size, (label + 1) * size),
      (value) => value + random.normal(0, 0.01),
    ),
  );
  const seen = labels.filter((label) => label >= 2);
  const model = sae({
    features: rowsOf(x.filter((_, i) => labels[i] >= 2)),
    labels: seen,
    attributes: named,
    lambda: 1,
  });
  expect([...model.predict(rowsOf(x))].filter((answer, i) => answer !== labels[i] && labels[i] >= 2)).toEqual(
    [],
  );
});

const zoo = "../shared/data/zoo/zoo.data";
if (!existsSync(zoo)) console.log(`skipped: zero-shot by the attributes of animals, ${zoo} is absent`);

test.skipIf(!existsSync(zoo))("animals as classes: unseen ones are found by their attributes", () => {
  const table = parseCsv(readFileSync(zoo, "utf8"));
  const columns =
    "hair,feathers,eggs,milk,airborne,aquatic,predator,toothed,backbone,breathes,venomous,fins,legs";
  const { data, shape } = csvMatrix(table, columns.split(","));
  const [count, size] = shape;
  // Animals with the same attributes are one class.
  const rows = Array.from({ length: count }, (_, i) => [...data.subarray(i * size, (i + 1) * size)]);
  const animals = [...new Map(rows.map((row) => [row.join(), row])).values()];
  const own = rowsOf(animals);
  // Features are random mixtures of them: what a camera might see.
  const mixture = grid(size, 40, 7);
  const held = animals.map((_, label) => label % 5 === 0);
  const part = (unseen: boolean) =>
    animals.flatMap((_, label) => (held[label] === unseen ? [label, label] : []));
  const model = eszsl({
    features: rowsOf(plant(part(false), animals, mixture)),
    labels: part(false),
    attributes: own,
    featureScaling: "standardize",
    attributeScaling: "standardize",
    similarity: "attributeCosine",
    gamma: 1e-3,
    lambda: 1e-3,
  });
  const answers = model.predict(
    rowsOf(plant(part(true), animals, mixture)),
    [...animals.keys()].filter((label) => held[label]),
  );
  const right = answers.filter((answer, i) => answer === part(true)[i]).length / answers.length;
  console.log(
    `zoo: ${(100 * right).toFixed(1)} % of ${held.filter(Boolean).length} unseen animals by their attributes`,
  );
  expect(right).toBeGreaterThan(0.9);
});

/** ESZSL and SAE: planted problems recovered, the equations of the papers solved, the three ways to score. */

import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../../src/data/index.js";
import { eszsl, type Similarity, sae, type ZeroShotData } from "../../../src/tfjs.js";
import { useBackend } from "../support.js";
import {
  corners,
  grid,
  identity,
  type Lists,
  multiply,
  plant,
  plus,
  relativeError,
  rowsOf,
  seenCorners,
  transpose,
  unevenLabels,
  unseenCorners,
  weightsOf,
} from "./support.js";

beforeAll(() => useBackend("cpu"));

const labels = unevenLabels(seenCorners);
const testLabels = unevenLabels(unseenCorners);
const attributes = rowsOf(corners);

function planted(map: Lists): ZeroShotData {
  return { features: rowsOf(plant(labels, corners, map)), labels, attributes };
}

describe("eszsl", () => {
  // Seen attributes S with SᵀS = 8 and sums of 0: (XᵀX) W 8 = Xᵀ (2 S) and X = S M make M W = 1/4.
  test.each([4, 7])("recovers a planted map to %i features in the limit", (size) => {
    const map = grid(4, size, 3);
    const model = eszsl({ ...planted(map), gamma: 1e-9, lambda: 1e-9 });
    expect(relativeError(multiply(map, weightsOf(model)), identity(4, 0.25))).toBeLessThan(1e-6);
    const x = rowsOf(plant(testLabels, corners, map));
    expect([...model.predict(x, unseenCorners)]).toEqual(testLabels);
    expect([...model.predict(x)]).toEqual(testLabels);
    expect(model).toMatchObject({ seen: seenCorners, classes: 16, shape: [size, 4] });
  });

  test("solves the paper's equation, whatever the sizes", () => {
    fc.assert(
      fc.property(
        problems,
        fc.double({ min: -3, max: 3, noNaN: true }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        (problem, g, l) => {
          const { x, s, places, data } = problem;
          const [gamma, lambda] = [10 ** g, 10 ** l];
          const w = weightsOf(eszsl({ ...data, gamma, lambda }));
          const y = places.map((place) => s.map((_, k) => (k === place ? 1 : -1)));
          const left = plus(multiply(transpose(x), x), identity(x[0].length, gamma));
          const right = plus(multiply(transpose(s), s), identity(s[0].length, lambda));
          const wanted = multiply(multiply(transpose(x), y), s);
          expect(relativeError(multiply(multiply(left, w), right), wanted)).toBeLessThan(1e-9);
        },
      ),
      { numRuns: 40, seed: 1 },
    );
  });
});

describe("without numbers", () => {
  /** Real attributes of a scale and a mean of their own, as of animals: features that half of them show in. */
  function animals(scale: number) {
    const random = createRandom(4);
    const [classes, size] = [30, 40];
    const own = Array.from({ length: classes }, () =>
      Array.from({ length: 20 }, () => scale * Math.max(0, 0.3 + 0.3 * random.normal())),
    );
    const map = grid(20, size, 2).map((row) => row.map((value) => value / scale));
    const draw = (labels: readonly number[]) =>
      rowsOf(plant(labels, own, map).map((row) => row.map((value) => Math.max(0, value + random.normal()))));
    const [seen, unseen] = [24, 6];
    const known = Array.from({ length: 30 * seen }, (_, i) => i % seen);
    const asked = Array.from({ length: 30 * unseen }, (_, i) => seen + (i % unseen));
    const test = { x: draw(asked), labels: asked, classes: [...new Set(asked)] };
    return { data: { features: draw(known), labels: known, attributes: rowsOf(own) }, test };
  }

  test.each([1, 100])("the scale of the attributes, %i, does not matter", (scale) => {
    const { data, test: held } = animals(scale);
    const accuracy = (model: ReturnType<typeof eszsl>) => {
      const answers = model.predict(held.x, held.classes);
      return answers.filter((answer, i) => answer === held.labels[i]).length / answers.length;
    };
    // Chance is 1 of 6.
    expect(accuracy(eszsl(data))).toBeGreaterThan(0.9);
    expect(accuracy(sae(data))).toBeGreaterThan(0.9);
  });

  test("both are centred and the numbers the mean sums of squares; one that is given centres nothing", () => {
    const { data } = animals(10);
    const centred = { ...data, featureScaling: "center", attributeScaling: "center" } as const;
    expect(weightsOf(eszsl(data))).toEqual(weightsOf(eszsl(centred)));
    const lambda = weightsOf(eszsl({ ...data, gamma: 3 }));
    const seen = data.attributes.data.subarray(0, 24 * 20);
    const mean = seen.reduce((sum, value) => sum + value * value, 0) / 20;
    expect(relativeError(lambda, weightsOf(eszsl({ ...data, gamma: 3, lambda: mean })))).toBeLessThan(1e-9);
  });
});

describe("sae", () => {
  // Rows of length 1 at right angles: the map undoes its own transpose, so both ways fit exactly.
  const rotation = [
    [1, 1, 1, 1],
    [1, -1, 1, -1],
    [1, 1, -1, -1],
    [1, -1, -1, 1],
  ].map((row) => row.map((value) => value / 2));

  test.each([1e-3, 1, 1e3])("recovers a planted rotation at lambda %f", (lambda) => {
    const model = sae({ ...planted(rotation), lambda });
    expect(relativeError(weightsOf(model), transpose(rotation))).toBeLessThan(1e-12);
  });

  test("recovers any planted map in the limit, as decoder and as encoder", () => {
    const map = grid(4, 6, 5);
    const decoder = sae({ ...planted(map), lambda: 1e-10, similarity: "featureCosine" });
    expect(relativeError(weightsOf(decoder), transpose(map))).toBeLessThan(1e-6);
    const encoder = sae({ ...planted(map), lambda: 1e10 });
    expect(relativeError(multiply(map, weightsOf(encoder)), identity(4))).toBeLessThan(1e-6);
    const x = rowsOf(plant(testLabels, corners, map));
    for (const model of [decoder, encoder]) {
      expect([...model.predict(x, unseenCorners)]).toEqual(testLabels);
      expect([...model.predict(x)]).toEqual(testLabels);
    }
  });

  test("solves the Sylvester equation, whatever the sizes", () => {
    fc.assert(
      fc.property(
        problems,
        fc.double({ min: -3, max: 3, noNaN: true }),
        ({ x, s, places, data }, exponent) => {
          const lambda = 10 ** exponent;
          const w = weightsOf(sae({ ...data, lambda }));
          const codes = places.map((place) => s[place]);
          const encoding = multiply(multiply(transpose(x), x), w).map((row) => row.map((v) => lambda * v));
          const decoding = multiply(w, multiply(transpose(codes), codes));
          const wanted = multiply(transpose(x), codes).map((row) => row.map((v) => (1 + lambda) * v));
          expect(relativeError(plus(encoding, decoding), wanted)).toBeLessThan(1e-8);
        },
      ),
      { numRuns: 40, seed: 2 },
    );
  });

  test("where the equation leaves W open it is 0", () => {
    // The last feature is always 0, and so is the last attribute of the seen classes.
    const x = [
      [1, 2, 0],
      [0, 1, 0],
      [2, 0, 0],
    ] as Lists;
    const s = [
      [1, 0],
      [-1, 0],
      [2, 0],
      [1, 5],
    ] as Lists;
    const w = weightsOf(sae({ features: rowsOf(x), labels: [0, 1, 2], attributes: rowsOf(s), lambda: 1 }));
    expect(w[2]).toEqual([0, 0]);
    expect(w.map((row) => row[1])).toEqual([0, 0, 0]);
  });
});

/** Random data: wide and tall, columns that repeat, more attributes than classes. */
const problems = fc
  .record({
    seed: fc.integer(),
    samples: fc.integer({ min: 4, max: 20 }),
    size: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 6 }),
    classes: fc.integer({ min: 2, max: 4 }),
    repeats: fc.boolean(),
  })
  .map(({ seed, samples, size, width, classes, repeats }) => {
    const random = createRandom(seed);
    const noise = (rows: number, columns: number) =>
      Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.fround(random.normal())));
    const x = noise(samples, size).map((row) => (repeats ? [...row, row[0]] : row));
    const s = noise(classes, width);
    const places = Array.from({ length: samples }, (_, i) => i % classes);
    return { x, s, places, data: { features: rowsOf(x), labels: places, attributes: rowsOf(s) } };
  });

describe("scores", () => {
  const x = grid(9, 3, 1);
  const s = grid(4, 2, 2);
  const sampleLabels = [0, 1, 2, 0, 1, 2, 2, 2, 2];
  const data: ZeroShotData = { features: rowsOf(x), labels: sampleLabels, attributes: rowsOf(s) };
  const fresh = grid(5, 3, 8);
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  const cosine = (a: readonly number[], b: readonly number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

  test.each<[Similarity, (x: number[], w: Lists, s: number[]) => number]>([
    ["dot", (row, w, own) => dot(multiply([row], w)[0], own)],
    ["attributeCosine", (row, w, own) => cosine(multiply([row], w)[0], own)],
    ["featureCosine", (row, w, own) => cosine(row, multiply([own], transpose(w))[0])],
  ])("%s", (similarity, wanted) => {
    const model = eszsl({ ...data, gamma: 0.5, lambda: 2, similarity });
    const w = weightsOf(model);
    const scores = model.scores(rowsOf(fresh), [3, 0, 1]);
    expect(scores.shape).toEqual([5, 3]);
    const plain = fresh.map((row) => [3, 0, 1].map((label) => wanted(row, w, s[label])));
    plain.flat().forEach((value, i) => {
      expect(scores.data[i]).toBeCloseTo(value, 10);
    });
    expect([...model.predict(rowsOf(fresh), [3, 0, 1])]).toEqual(
      plain.map((row) => [3, 0, 1][row.indexOf(Math.max(...row))]),
    );
  });

  test("scalings are measured on what was seen, and applied to what comes later", () => {
    const columnOf = (rows: Lists, k: number) => rows.map((row) => row[k]);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = (values: number[]) =>
      Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
    const standard = (rows: Lists, by: Lists) =>
      rows.map((row) => row.map((v, k) => (v - mean(columnOf(by, k))) / deviation(columnOf(by, k))));
    const centred = (rows: Lists, by: Lists) =>
      rows.map((row) => row.map((v, k) => v - mean(columnOf(by, k))));
    const unit = (rows: Lists) => rows.map((row) => row.map((v) => v / Math.sqrt(dot(row, row))));

    const choice = { gamma: 0.5, lambda: 2 };
    const scaled = eszsl({
      ...data,
      ...choice,
      featureScaling: ["standardize", "l2"],
      attributeScaling: ["center", "l2"],
    });
    const byHand = eszsl({
      ...choice,
      features: rowsOf(unit(standard(x, x))),
      labels: sampleLabels,
      attributes: rowsOf(unit(centred(s, s.slice(0, 3)))), // class 3 has no samples
    });
    expect(relativeError(weightsOf(scaled), weightsOf(byHand))).toBeLessThan(1e-6); // f32 rows by hand
    const got = scaled.scores(rowsOf(fresh)).data;
    byHand.scores(rowsOf(unit(standard(fresh, x)))).data.forEach((value, i) => {
      expect(got[i]).toBeCloseTo(value, 5);
    });
  });

  test("a constant feature is centred, and a row of zeros stays", () => {
    const flat = x.map((row) => [...row, 0.1]);
    const choice = { gamma: 1, lambda: 1 };
    const without = eszsl({ ...data, ...choice, featureScaling: ["standardize", "l2"] });
    const flatOne = eszsl({
      ...data,
      ...choice,
      features: rowsOf(flat),
      featureScaling: ["standardize", "l2"],
    });
    const w = weightsOf(flatOne);
    expect(relativeError(w.slice(0, 3), weightsOf(without))).toBeLessThan(1e-6);
    expect(Math.abs(w[3][0])).toBeLessThan(1e-6);
    const zero = eszsl({ ...data, ...choice, featureScaling: "l2", similarity: "featureCosine" });
    expect([...zero.scores(rowsOf([[0, 0, 0]])).data]).toEqual([0, 0, 0, 0]);
  });

  test("other classes later, tensors for rows, and no tensor left", () => {
    const model = eszsl({ ...data, gamma: 1, lambda: 1, attributeScaling: "center" });
    const before = tf.memory().numTensors;
    const all = [tf.tensor2d(fresh as number[][]), tf.tensor2d(s as number[][])];
    const later = model.withClasses(all[1]);
    expect(later.scores(all[0]).data).toEqual(model.scores(rowsOf(fresh)).data);
    expect(later.seen).toEqual([]);
    expect([...later.withClasses(rowsOf([s[2]])).predict(all[0])]).toEqual([0, 0, 0, 0, 0]);
    tf.dispose(all);
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ gamma: 0 }, "gamma: wanted a finite number > 0, got 0"],
    [{ lambda: Number.NaN }, "lambda: wanted a finite number > 0, got NaN"],
    [{ similarity: "near" }, "similarity: wanted dot, attributeCosine, featureCosine, got near"],
    [{ featureScaling: ["l2", "l1"] }, "featureScaling: wanted center, standardize, l2, got l1"],
    [{ labels: [0, 1] }, "labels: wanted 9 as there are samples, got 2"],
    [{ labels: sampleLabels.map(() => 4) }, "labels: wanted integers in [0, 4), got 4 at 0"],
    [{ labels: sampleLabels.map(() => 1) }, "labels: wanted two classes or more, got 1"],
    [
      { features: { data: new Float32Array(10), count: 9 } },
      "features: wanted rows of one size, got 10 numbers in 9",
    ],
    [
      { features: { data: new Float32Array(27).fill(Number.NaN), count: 9 } },
      "features: wanted finite numbers, got NaN",
    ],
    [{ attributes: { data: new Float32Array(), count: 0 } }, "attributes: wanted rows of one size"],
  ])("refuses %o", (part, message) => {
    const run = () => eszsl({ ...data, gamma: 1, lambda: 1, ...part } as Parameters<typeof eszsl>[0]);
    expect(run).toThrow(RangeError);
    expect(run).toThrow(message);
  });

  test("refuses other types, sizes and classes", () => {
    expect(() => eszsl({ ...data, features: x as never, gamma: 1, lambda: 1 })).toThrow(TypeError);
    expect(() => eszsl({ ...data, gamma: "1" as never, lambda: 1 })).toThrow(TypeError);
    expect(() => sae({ ...data, lambda: -1 })).toThrow("lambda: wanted a finite number > 0, got -1");
    const model = sae({ ...data, lambda: 1 });
    expect(() => model.scores(rowsOf(s))).toThrow("features: wanted 3 a row as in training, got 2");
    expect(() => model.withClasses(rowsOf(x))).toThrow("attributes: wanted 2 a row as in training, got 3");
    expect(() => model.predict(rowsOf(x), [4])).toThrow("classes: wanted integers in [0, 4), got 4 at 0");
    expect(() => model.predict(rowsOf(x), [])).toThrow("classes: wanted one or more, got none");
  });
});

/** The seen-unseen curve against a sweep over calibrations, and the figures of a hand-made case. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../src/data/index.js";
import { bestCalibration, type Judged, seenUnseenCurve } from "../../../src/tfjs/zero-shot/curve.js";
import {
  type EvaluateOptions,
  evaluateZeroShot,
  type LabelledRows,
  type ZeroShotModel,
} from "../../../src/tfjs.js";
import { rowsOf } from "./support.js";

/** A model whose features are its scores, a column a class. */
function scorer(classes: number, seen: readonly number[]): ZeroShotModel {
  const model: Partial<ZeroShotModel> = {
    classes,
    seen,
    scores(features, columns = Array.from({ length: classes }, (_, k) => k)) {
      const { data, count } = features as { data: Float32Array; count: number };
      const chosen = Array.from({ length: count }, (_, i) =>
        Array.from(columns, (k) => data[i * classes + k]),
      );
      return { data: Float64Array.from(chosen.flat()), shape: [count, columns.length] };
    },
  };
  return model as ZeroShotModel;
}

/** Classes 0 and 1 are seen, 2 and 3 unseen; four samples of class 2, one of each other. */
const hand: { unseen: LabelledRows; seen: LabelledRows } = {
  unseen: {
    features: rowsOf([
      [0, 0, 5, 1], // right everywhere: switches at -5
      [3, 0, 2, 1], // right among the unseen, from 1 on
      [9, 0, 2, 1], // from 7 on
      [0, 0, 1, 2], // wrong
      [0, 4, 0, 2], // class 3: from 2 on
    ]),
    labels: [2, 2, 2, 2, 3],
  },
  seen: {
    features: rowsOf([
      [4, 1, 1, 1], // class 0: until 3
      [1, 2, 8, 1], // class 1: until -6
    ]),
    labels: [0, 1],
  },
};

describe("a case by hand", () => {
  const model = scorer(4, [0, 1]);

  test("perfect answers are worth 1 and no more", () => {
    // 21 shares of 1 / 21: their sum in f64 is above 1.
    const random = createRandom(3);
    const right = (label: number) =>
      Array.from({ length: 6 }, (_, k) => (k === label ? 2 : random.uniform()));
    const labels = Array.from({ length: 21 }, (_, i) => i % 3);
    const rows = (first: number) => ({
      features: rowsOf(labels.map((label) => right(first + label))),
      labels: labels.map((label) => first + label),
    });
    const report = evaluateZeroShot(scorer(6, [0, 1, 2]), { seen: rows(0), unseen: rows(3) });
    const { unseen, seen, harmonic } = report.generalized;
    for (const share of [report.conventional, report.ausuc, unseen, seen, harmonic]) {
      expect(share).toBeLessThanOrEqual(1);
      expect(share).toBeCloseTo(1, 12);
    }
  });

  test("refuses scores that are not finite, and samples that are not there", () => {
    const wild: ZeroShotModel = {
      ...model,
      scores: (features) => ({
        data: new Float64Array(20).fill(Number.NaN),
        shape: model.scores(features).shape,
      }),
    };
    expect(() => evaluateZeroShot(wild, hand)).toThrow("scores: wanted finite numbers, got [NaN, NaN, NaN");
    expect(() => evaluateZeroShot(model, { unseen: hand.unseen } as never)).toThrow(
      "seen.features: wanted { features, labels }, got undefined",
    );
  });

  test("means are over classes, not over samples", () => {
    const report = evaluateZeroShot(model, { ...hand, calibration: 2.5 });
    expect(report.conventional).toBeCloseTo((3 / 4 + 1) / 2, 12);
    expect(report.generalized.unseen).toBeCloseTo((1 / 4 + 0) / 2, 12);
    expect(report.generalized.seen).toBeCloseTo((1 + 0) / 2, 12);
    expect(report.generalized.harmonic).toBeCloseTo((2 * 0.125 * 0.5) / 0.625, 12);
    expect(report.calibrated?.unseen).toBeCloseTo((2 / 4 + 1) / 2, 12);
    expect(report.calibrated?.seen).toBeCloseTo(1 / 2, 12);
    // S is 1/2 while U goes from 0 to 3/4 (class 1 leaves before any unseen one is right), then 0.
    expect(report.ausuc).toBeCloseTo((3 / 4) * (1 / 2), 12);
    expect([...report.curve.switches]).toEqual([-6, -5, 1, 2, 3, 7]);
    expect(report.perClass).toEqual([
      { label: 0, isSeen: true, count: 1, accuracy: 1, generalized: 1 },
      { label: 1, isSeen: true, count: 1, accuracy: 1, generalized: 0 },
      { label: 2, isSeen: false, count: 4, accuracy: 0.75, generalized: 0.25 },
      { label: 3, isSeen: false, count: 1, accuracy: 1, generalized: 0 },
    ]);
    expect(evaluateZeroShot(model, hand).calibrated).toBeUndefined();
  });

  test("more unseen classes to choose from", () => {
    const five = scorer(5, [0, 1]);
    const widen = ({ features, labels }: LabelledRows, last: number): LabelledRows => {
      const { data, count } = features as { data: Float32Array; count: number };
      const rows = Array.from({ length: count }, (_, i) => [...data.subarray(i * 4, i * 4 + 4), last]);
      return { features: rowsOf(rows), labels };
    };
    const options = { unseen: widen(hand.unseen, 3), seen: widen(hand.seen, 3) };
    expect(evaluateZeroShot(five, options).conventional).toBeCloseTo((3 / 4 + 1) / 2, 12);
    expect(evaluateZeroShot(five, { ...options, classes: [2, 3, 4] }).conventional).toBeCloseTo(1 / 8, 12);
  });

  test.each<[Partial<EvaluateOptions>, string]>([
    [{ calibration: Number.NaN }, "calibration: wanted a finite number, got NaN"],
    [
      { unseen: { ...hand.unseen, labels: [2, 2, 2, 2, 1] } },
      "unseen: wanted classes that the model was not trained on, got 1",
    ],
    [{ seen: { ...hand.seen, labels: [0, 3] } }, "seen.labels: wanted classes of 0, 1, got 3"],
    [{ seen: { ...hand.seen, labels: [0] } }, "seen.labels: wanted 2 as there are samples, got 1"],
    [
      { unseen: { ...hand.unseen, labels: [2, 2, 2, 2, 4] } },
      "unseen.labels: wanted integers in [0, 4), got 4 at 4",
    ],
    [{ classes: [2] }, "unseen.labels: wanted classes of 2, got 3"],
  ])("refuses %o", (part, message) => {
    const run = () => evaluateZeroShot(model, { ...hand, ...part });
    expect(run).toThrow(RangeError);
    expect(run).toThrow(message);
  });
});

/** Scores on a coarse grid, so that some are equal, of classes with unlike numbers of samples. */
const cases = fc
  .record({
    seed: fc.integer(),
    seen: fc.integer({ min: 1, max: 4 }),
    unseen: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ seed, seen, unseen }) => {
    const random = createRandom(seed);
    const classes = seen + unseen;
    const kind = (from: number, to: number): LabelledRows & { labels: number[]; scores: number[][] } => {
      const labels = Array.from({ length: to - from + random.below(20) }, (_, i) =>
        i < to - from ? from + i : from + random.below(to - from),
      );
      const scores = labels.map((label) =>
        Array.from({ length: classes }, (_, k) => random.below(12) + (k === label ? 3 : 0)),
      );
      return { labels, scores, features: rowsOf(scores) };
    };
    return { classes, seenCount: seen, seen: kind(0, seen), unseen: kind(seen, classes) };
  });

test("AUSUC, U and S are those of a sweep over calibrations", () => {
  fc.assert(
    fc.property(cases, ({ classes, seenCount, seen, unseen }) => {
      const model = scorer(
        classes,
        Array.from({ length: seenCount }, (_, k) => k),
      );
      const { curve, ausuc } = evaluateZeroShot(model, { seen, unseen });
      const accuracy = (part: typeof seen, calibration: number) => {
        const shares = [...new Set(part.labels)].map((label) => {
          const own = part.scores.filter((_, i) => part.labels[i] === label);
          const right = own.filter((row) => {
            const moved = row.map((score, k) => score - (k < seenCount ? calibration : 0));
            return moved.indexOf(Math.max(...moved)) === label;
          });
          return right.length / own.length;
        });
        return shares.reduce((sum, share) => sum + share, 0) / shares.length;
      };
      // Scores are integers, so nothing happens between two halves but at the integer.
      let area = 0;
      let last = { u: accuracy(unseen, -20.5), s: accuracy(seen, -20.5) };
      for (let calibration = -19.5; calibration <= 20.5; calibration++) {
        const next = { u: accuracy(unseen, calibration), s: accuracy(seen, calibration) };
        area += ((next.u - last.u) * (next.s + last.s)) / 2;
        expect(curve.at(calibration).unseen).toBeCloseTo(next.u, 12);
        expect(curve.at(calibration).seen).toBeCloseTo(next.s, 12);
        last = next;
      }
      expect(ausuc).toBeCloseTo(area, 12);
    }),
    { numRuns: 100, seed: 3 },
  );
});

test("the best calibration is the best of a sweep, over several curves at once", () => {
  const random = createRandom(4);
  const curveOf = (shift: number) =>
    seenUnseenCurve(
      Array.from({ length: 40 }, (_, i): Judged => {
        const isSeen = i % 2 === 0;
        const switchAt = random.below(40) + shift + (isSeen ? 20 : 0);
        return { label: i % 6, isSeen, switchAt, isRight: random.below(5) > 0 };
      }),
    );
  const curves = [curveOf(0), curveOf(5), curveOf(-3)];
  const mean = (calibration: number) =>
    curves.reduce((sum, curve) => sum + curve.at(calibration).harmonic, 0) / curves.length;
  const sweep = Array.from({ length: 100 }, (_, i) => mean(i - 20 + 0.5));
  const { calibration, harmonic } = bestCalibration(curves);
  expect(harmonic).toBeCloseTo(Math.max(...sweep), 12);
  expect(mean(calibration)).toBeCloseTo(harmonic, 12);
  expect(bestCalibration([seenUnseenCurve([])])).toEqual({ calibration: 0, harmonic: 0 });
});

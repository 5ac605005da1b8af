/** Each loss against the formulas of its paper in plain loops: values, and gradients by differences. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { attentionTransfer, decoupled, hint, relational, softTargets } from "../../../src/tfjs.js";
import { backends, noise, useBackend } from "../support.js";
import {
  differences,
  divergenceOf,
  evaluate,
  expectNear,
  mean,
  rowsOf,
  sigmoid,
  softmax,
  sum,
} from "./support.js";

const SAMPLES = 5;
const CLASSES = 4;
const given = (values: ArrayLike<number>, ...shape: number[]) => ({ shape, values });
const logits = (seed: number, size = CLASSES) =>
  given(
    noise(SAMPLES * size, seed).map((value) => 6 * value),
    SAMPLES,
    size,
  );
const teacher = logits(1);
const student = logits(2);
const soft = (values: readonly number[], temperature: number) =>
  softmax(values.map((value) => value / temperature));

describe.each(backends)("losses of distillation on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test.each([1, 2.5, 20])("softTargets, softmax, temperature %f", (temperature) => {
    const plain = (z: ArrayLike<number>) => {
      const own = rowsOf(z, CLASSES);
      const shown = rowsOf(teacher.values, CLASSES);
      const each = own.map((row, i) => divergenceOf(soft(shown[i], temperature), soft(row, temperature)));
      return 0.7 * temperature ** 2 * mean(each);
    };
    const loss = softTargets({ temperature, alpha: 0.7 });
    const teachers = [{ logits: teacher, weight: 1 }];
    const { value, shape, gradients } = evaluate(loss, { kind: "softmax", teachers, student });
    expect(shape).toEqual([]);
    expectNear([value], [plain(student.values)]);
    expectNear(gradients.logits, differences(plain, student.values));
    expect(loss.labelWeight).toBeCloseTo(0.3, 12);
    expect(evaluate(loss, { kind: "softmax", teachers, student: teacher }).value).toBeCloseTo(0, 5);
  });

  test.each([1, 4])("softTargets, sigmoid, temperature %f, however sure the models are", (temperature) => {
    // A sigmoid of the student is 1 in f32 and the teacher says no: there is a loss, and a gradient.
    const shown = [-30, 40, 0.5, -0.25, 5, 25, -25, 2, 1, 0];
    const values = [30, -20, 0, 0.25, -5, 26, -25, 1, 2, 3];
    const plain = (z: ArrayLike<number>) => {
      const each = Array.from(z, (value, i) => {
        const [p, notP] = [1, -1].map((sign) => sigmoid((sign * shown[i]) / temperature));
        const [q, notQ] = [1, -1].map((sign) => sigmoid((sign * value) / temperature));
        return divergenceOf([p, notP], [q, notQ]);
      });
      return 0.9 * temperature ** 2 * mean(each);
    };
    const scene = {
      kind: "sigmoid",
      teachers: [{ logits: given(shown, 5, 2), weight: 1 }],
      student: given(values, 5, 2),
    } as const;
    const { value, gradients } = evaluate(softTargets({ temperature }), scene);
    expectNear([value], [plain(values)]);
    expectNear(gradients.logits, differences(plain, values));
    expect(Math.abs(gradients.logits[0])).toBeGreaterThan(0.01);
  });

  test.each(["softmax", "sigmoid"] as const)(
    "several teachers: %s, the mean of their probabilities",
    (kind) => {
      const others = [logits(3), logits(4)];
      const teachers = [
        { logits: teacher, weight: 0.5 },
        { logits: others[0], weight: 0.2 },
        { logits: others[1], weight: 0.3 },
      ];
      const shares = (values: readonly number[]) =>
        kind === "softmax" ? soft(values, 3) : values.map((value) => sigmoid(value / 3));
      const plain = (z: ArrayLike<number>) => {
        const each = rowsOf(z, CLASSES).map((row, i) => {
          const q = shares(row);
          const parts = teachers.map(({ logits: of, weight }) =>
            shares(rowsOf(of.values, CLASSES)[i]).map((share) => share * weight),
          );
          const p = q.map((_, k) => sum(parts.map((part) => part[k])));
          if (kind === "softmax") return divergenceOf(p, q);
          return mean(p.map((share, k) => divergenceOf([share, 1 - share], [q[k], 1 - q[k]])));
        });
        return 9 * mean(each);
      };
      const { value, gradients } = evaluate(softTargets({ temperature: 3, alpha: 1 }), {
        kind,
        teachers,
        student,
      });
      expectNear([value], [plain(student.values)]);
      expectNear(gradients.logits, differences(plain, student.values));
    },
  );

  test("decoupled: TCKD and NCKD; a sample without a label takes the teacher's class", () => {
    const [alpha, beta, temperature] = [1.5, 6, 3];
    const y = [0, 1, 0, 0, /**/ 0, 0, 0, 0, /**/ 0, 0, 0, 1, /**/ 0, 0, 0, 0, /**/ 0.1, 0.1, 0.7, 0.1];
    const plain = (z: ArrayLike<number>) => {
      const each = rowsOf(z, CLASSES).map((row, i) => {
        const shown = rowsOf(teacher.values, CLASSES)[i];
        const label = rowsOf(y, CLASSES)[i];
        const decide = sum(label) > 0 ? label : shown;
        const target = decide.indexOf(Math.max(...decide));
        const [p, q] = [soft(shown, temperature), soft(row, temperature)];
        const rest = (shares: number[]) =>
          shares.filter((_, k) => k !== target).map((share) => share / (1 - shares[target]));
        const tckd = divergenceOf([p[target], 1 - p[target]], [q[target], 1 - q[target]]);
        return alpha * tckd + beta * divergenceOf(rest(p), rest(q));
      });
      return temperature ** 2 * mean(each);
    };
    const { value, gradients } = evaluate(decoupled({ alpha, beta, temperature }), {
      kind: "softmax",
      teachers: [{ logits: teacher, weight: 1 }],
      student,
      y: given(y, SAMPLES, CLASSES),
    });
    expectNear([value], [plain(student.values)]);
    expectNear(gradients.logits, differences(plain, student.values));
  });

  test("decoupled with alpha 1 and beta 1 - p(target) of the teacher is soft targets, as the paper derives", () => {
    const one = { ...teacher, shape: [1, CLASSES], values: [2, 5, -1, 0.5] };
    const own = { ...student, shape: [1, CLASSES], values: [1, -2, 0, 3] };
    const scene = { kind: "softmax", teachers: [{ logits: one, weight: 1 }], student: own } as const;
    const beta = 1 - soft(one.values, 2)[1];
    const apart = evaluate(decoupled({ alpha: 1, beta, temperature: 2 }), {
      ...scene,
      y: given([0, 1, 0, 0], 1, 4),
    });
    const whole = evaluate(softTargets({ temperature: 2, alpha: 1 }), scene);
    expectNear([apart.value], [whole.value]);
    expectNear(apart.gradients.logits, whole.gradients.logits);
  });

  test("decoupled where both are as good as sure: finite, and towards the teacher", () => {
    const { value, gradients } = evaluate(decoupled({ temperature: 1 }), {
      kind: "softmax",
      teachers: [{ logits: given([90, 0, 1, 2], 1, 4), weight: 1 }],
      student: given([0, 90, 0, 0], 1, 4),
      y: given([1, 0, 0, 0], 1, 4),
    });
    // TCKD is 90 nearly; NCKD that of [0, 1, 2] against [90, 0, 0].
    const rest = divergenceOf(softmax([0, 1, 2]), softmax([90, 0, 0]));
    expectNear([value], [90 + 8 * rest]);
    expect(gradients.logits[0]).toBeLessThan(-0.9);
  });

  test("hint: a dense projector that learns, from its own seed", () => {
    const wanted = given(noise(SAMPLES * 3, 5), SAMPLES, 3);
    const own = given(noise(SAMPLES * 2, 6), SAMPLES, 2);
    const options = { teacherLayer: "t", studentLayer: "s", weight: 3, seed: 9 } as const;
    const scene = { teacherLayers: { t: wanted }, studentLayers: { s: own } };
    const { value, gradients, own: projector } = evaluate(hint(options), scene);
    const plain = (s: ArrayLike<number>, kernel: ArrayLike<number>, bias: ArrayLike<number>) => {
      const each = rowsOf(s, 2).flatMap((row, i) =>
        [0, 1, 2].map((k) => {
          const projected = bias[k] + row[0] * kernel[k] + row[1] * kernel[3 + k];
          return (wanted.values[i * 3 + k] - projected) ** 2;
        }),
      );
      return (3 / 2) * mean(each);
    };
    const { own0: kernel, own1: bias } = projector;
    expect(kernel).toHaveLength(6);
    expect(Math.max(...kernel.map(Math.abs))).toBeLessThan(Math.sqrt(6 / 5));
    expect(bias).toEqual([0, 0, 0]);
    expectNear([value], [plain(own.values, kernel, bias)]);
    expectNear(
      gradients.s,
      differences((s) => plain(s, kernel, bias), own.values),
    );
    expectNear(
      gradients.own0,
      differences((k) => plain(own.values, k, bias), kernel),
    );
    expectNear(
      gradients.own1,
      differences((b) => plain(own.values, kernel, b), bias),
    );
    expect(evaluate(hint(options), scene).own.own0).toEqual(kernel);
    expect(evaluate(hint({ ...options, seed: 10 }), scene).own.own0).not.toEqual(kernel);
  });

  test("hint: none where sizes are the same, a 1x1 convolution for pictures", () => {
    const wanted = given(noise(2 * 2 * 2 * 3, 5), 2, 2, 2, 3);
    const same = given(noise(24, 6), 2, 2, 2, 3);
    const none = evaluate(hint({ teacherLayer: "t", studentLayer: "s" }), {
      teacherLayers: { t: wanted },
      studentLayers: { s: same },
    });
    expect(none.own).toEqual({});
    expectNear([none.value], [mean(Array.from(wanted.values, (v, i) => (v - same.values[i]) ** 2)) / 2]);
    const always = hint({ teacherLayer: "t", studentLayer: "s", projector: "always" });
    const { value, own } = evaluate(always, { teacherLayers: { t: wanted }, studentLayers: { s: same } });
    const each = rowsOf(same.values, 3).flatMap((place, i) =>
      [0, 1, 2].map((k) => {
        const projected = sum(place.map((x, c) => x * own.own0[c * 3 + k]));
        return (wanted.values[i * 3 + k] - projected) ** 2;
      }),
    );
    expectNear([value], [mean(each) / 2]);
  });

  test("attentionTransfer: maps of norm 1, several pairs, channels that differ", () => {
    const shapes = { a: [2, 3, 2], b: [1, 2, 1] };
    const t = { a: given(noise(3 * 12, 1), 3, ...shapes.a), b: given(noise(3 * 2, 2), 3, ...shapes.b) };
    const s = { a: given(noise(3 * 24, 3), 3, 2, 3, 4), b: given(noise(3 * 4, 4), 3, 1, 2, 2) };
    const maps = (values: ArrayLike<number>, places: number, channels: number) =>
      rowsOf(values, places * channels).map((sample) => {
        const energy = rowsOf(sample, channels).map((place) => sum(place.map((x) => x * x)));
        const norm = Math.sqrt(sum(energy.map((x) => x * x)));
        return energy.map((x) => x / norm);
      });
    const apart = (one: number[][], other: number[][]) =>
      mean(one.flatMap((row, i) => row.map((x, k) => (x - other[i][k]) ** 2)));
    const plain = (a: ArrayLike<number>) =>
      500 *
      (apart(maps(t.a.values, 6, 2), maps(a, 6, 4)) + apart(maps(t.b.values, 2, 1), maps(s.b.values, 2, 2)));
    const pairs = (["a", "b"] as const).map((name) => ({ teacherLayer: name, studentLayer: name }));
    const scene = { teacherLayers: t, studentLayers: s };
    const { value, gradients } = evaluate(attentionTransfer({ pairs, weight: 500 }), scene);
    expectNear([value], [plain(s.a.values)]);
    expectNear(gradients.a, differences(plain, s.a.values));
    // A layer that is silent has a map of zeros, not of NaN.
    const silent = { ...s, b: given(new Float32Array(12), 3, 1, 2, 2) };
    const quiet = evaluate(attentionTransfer({ pairs }), { ...scene, studentLayers: silent });
    expect(quiet.gradients.b.every((slope) => slope === 0)).toBe(true);
    expect(Number.isFinite(quiet.value)).toBe(true);
  });

  test.each([
    [25, 0],
    [0, 50],
    [2, 3],
  ])("relational: distance %f, angle %f", (distance, angle) => {
    const wanted = given(noise(SAMPLES * 3, 7), SAMPLES, 3);
    const own = given(noise(SAMPLES * 2, 8), SAMPLES, 2);
    const huber = (x: number) => (Math.abs(x) < 1 ? (x * x) / 2 : Math.abs(x) - 0.5);
    const distances = (rows: number[][]) => {
      const all = rows.flatMap((a) => rows.map((b) => Math.hypot(...a.map((x, k) => x - b[k]))));
      const middle = sum(all) / all.filter((d) => d > 0).length;
      return all.map((d) => d / middle);
    };
    const cosines = (rows: number[][]) =>
      rows.flatMap((at) =>
        rows.flatMap((a) =>
          rows.map((b) => {
            const [u, v] = [a, b].map((to) => to.map((x, k) => x - at[k]));
            const size = Math.hypot(...u) * Math.hypot(...v);
            return size === 0 ? 0 : sum(u.map((x, k) => x * v[k])) / size;
          }),
        ),
      );
    const plain = (s: ArrayLike<number>) => {
      const [t, o] = [rowsOf(wanted.values, 3), rowsOf(s, 2)];
      const compare = (f: (rows: number[][]) => number[]) => {
        const shown = f(t);
        return mean(f(o).map((x, i) => huber(shown[i] - x)));
      };
      return distance * compare(distances) + angle * compare(cosines);
    };
    const loss = relational({ distance, angle, teacherLayer: "t", studentLayer: "s" });
    const { value, gradients } = evaluate(loss, { teacherLayers: { t: wanted }, studentLayers: { s: own } });
    expectNear([value], [plain(own.values)]);
    expectNear(gradients.s, differences(plain, own.values), 5e-4);
  });

  test("relational: samples that are the same have no distance, no angle and no gradient of their own", () => {
    const wanted = given(noise(6, 7), 3, 2);
    const twice = given([1, 2, 1, 2, 1, 2], 3, 2);
    const { value, gradients } = evaluate(relational({ teacherLayer: "t", studentLayer: "s" }), {
      teacherLayers: { t: wanted },
      studentLayers: { s: twice },
    });
    expect(Number.isFinite(value)).toBe(true);
    expect(gradients.s.every((slope) => slope === 0)).toBe(true);
  });

  test("relational of logits: a number added to all classes changes nothing", () => {
    const shifted = given(
      Array.from(student.values, (value) => value + 7),
      SAMPLES,
      CLASSES,
    );
    const scene = { kind: "softmax", teachers: [{ logits: teacher, weight: 1 }] } as const;
    const value = (own: typeof student) => evaluate(relational(), { ...scene, student: own }).value;
    expect(value(student)).toBeGreaterThan(0.1);
    expectNear([value(shifted)], [value(student)]);
    expect(value(teacher)).toBeCloseTo(0, 5);
  });
});

describe("options", () => {
  const scene = { kind: "softmax", teachers: [{ logits: teacher, weight: 1 }], student } as const;
  const layer = (...shape: number[]) => given(new Float32Array(shape.reduce((a, b) => a * b)), ...shape);

  test.each<[string, () => unknown, new () => Error, string]>([
    [
      "temperature",
      () => softTargets({ temperature: 0 }),
      RangeError,
      "temperature: wanted a finite number > 0, got 0",
    ],
    [
      "alpha",
      () => softTargets({ alpha: 1.5 }),
      RangeError,
      "alpha: wanted a finite number in [0, 1], got 1.5",
    ],
    [
      "no number",
      () => softTargets({ alpha: "1" as never }),
      TypeError,
      "alpha: wanted a number, got string",
    ],
    ["beta", () => decoupled({ beta: -1 }), RangeError, "beta: wanted a finite number >= 0, got -1"],
    ["no pairs", () => attentionTransfer({ pairs: [] }), RangeError, "pairs: wanted one or more, got none"],
    [
      "one layer",
      () => relational({ teacherLayer: "t" }),
      RangeError,
      "wanted both teacherLayer and studentLayer",
    ],
    [
      "projector",
      () => hint({ teacherLayer: "t", studentLayer: "s", projector: "no" as never }),
      RangeError,
      "projector: wanted auto, always or none, got no",
    ],
    [
      "no kind",
      () => evaluate(softTargets(), { ...scene, kind: undefined }),
      RangeError,
      "kind: wanted softmax or sigmoid, or models that end in one of them, got neither",
    ],
    [
      "another kind",
      () => evaluate(softTargets({ kind: "sigmoid" }), scene),
      RangeError,
      "kind: wanted softmax as the teacher ends in, got sigmoid",
    ],
    [
      "no classes",
      () => evaluate(decoupled(), { ...scene, student: given([0, 1], 2, 1) }),
      RangeError,
      "decoupled: wanted a student with an output of [classes], got [1]",
    ],
    [
      "no layer",
      () =>
        evaluate(hint({ teacherLayer: "t", studentLayer: "z" }), {
          teacherLayers: { t: layer(1, 2) },
          studentLayers: { s: layer(1, 2) },
        }),
      RangeError,
      "studentLayer: wanted the name of a layer (s), got z",
    ],
    [
      "places",
      () =>
        evaluate(hint({ teacherLayer: "t", studentLayer: "s" }), {
          teacherLayers: { t: layer(1, 4, 4, 2) },
          studentLayers: { s: layer(1, 2, 2, 2) },
        }),
      RangeError,
      "hint: wanted [4,4] of s as t has, got [2,2]",
    ],
    [
      "channels",
      () =>
        evaluate(hint({ teacherLayer: "t", studentLayer: "s", projector: "none" }), {
          teacherLayers: { t: layer(1, 4) },
          studentLayers: { s: layer(1, 2) },
        }),
      RangeError,
      "projector: none wants 4 channels in s, got 2",
    ],
    [
      "no picture",
      () =>
        evaluate(attentionTransfer({ pairs: [{ teacherLayer: "t", studentLayer: "s" }] }), {
          teacherLayers: { t: layer(1, 4) },
          studentLayers: { s: layer(1, 2) },
        }),
      RangeError,
      "pairs: wanted layers of [height, width, channels], got t, [4]",
    ],
  ])("%s", (_, call, type, message) => {
    const before = tf.memory().numTensors;
    expect(call).toThrow(type);
    expect(call).toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });
});

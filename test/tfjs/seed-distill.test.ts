/** The article's cascade: exact outputs, next to what its own lines do in stock tfjs. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { seed } from "../../src/tfjs.js";
import { backends, noise, randomize, useBackend, valuesOf } from "./support.js";

const { layers } = tf;

/** The teacher's output, 1 number in the article, is the input of the student, which the article lets take 8. */
function pair(): { teacher: tf.LayersModel; student: tf.LayersModel } {
  const teacher = tf.sequential({
    layers: [
      layers.dense({ units: 10, activation: "relu", inputShape: [8] }),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ],
  });
  const student = tf.sequential({
    layers: [layers.dense({ units: 10, activation: "relu", inputShape: [1] })],
  });
  randomize(teacher, 1);
  randomize(student, 9);
  student.compile({ optimizer: "adam", loss: "binaryCrossentropy" });
  return { teacher, student };
}

const x = noise(40 * 8, 3);
const y = noise(40 * 10, 4).map((value) => Number(value > 0));

describe.each(backends)("seed.distill on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test("student.train_on_batch(teacher.predict(x), y), ten times", async () => {
    const ours = pair();
    const theirs = pair();
    const [xs, ys] = [tf.tensor2d(x, [40, 8]), tf.tensor2d(y, [40, 10])];
    const losses: number[] = [];
    for (let epoch = 0; epoch < 10; epoch++) {
      const fed = theirs.teacher.predict(xs) as tf.Tensor;
      losses.push((await theirs.student.trainOnBatch(fed, ys)) as number);
      fed.dispose();
    }
    const onWarning = vi.fn();
    const report = await seed.distill(ours.teacher, ours.student, x, y, { onWarning });
    expect(report).toEqual({ losses, teacherParameters: 101, studentParameters: 20, pairParameters: 121 });
    expect(Object.values(valuesOf(ours.student))).toEqual(Object.values(valuesOf(theirs.student)));
    expect(Object.values(valuesOf(ours.teacher))).toEqual(Object.values(valuesOf(pair().teacher)));
    expect(onWarning).toHaveBeenCalledOnce();
    expect(onWarning.mock.calls[0][0]).toContain("the pair is not smaller than the teacher");
    expect(onWarning.mock.calls[0][0]).toContain("101 and 20 parameters, 121 in all");
  });

  test("tensors are as good as arrays; rounds; refusals; nothing left behind", async () => {
    const { teacher, student } = pair();
    const other = pair();
    const onWarning = vi.fn();
    const [xs, ys] = [tf.tensor2d(x, [40, 8]), tf.tensor2d(y, [40, 10])];
    const one = await seed.distill(teacher, student, xs, ys, { rounds: 3, onWarning });
    const two = await seed.distill(other.teacher, other.student, x, y, { rounds: 3, onWarning });
    expect(one.losses).toHaveLength(3);
    expect(two).toEqual(one);

    const before = tf.memory().numTensors;
    await seed.distill(teacher, student, xs, ys, { rounds: 2, onWarning });
    const loose = tf.sequential({ layers: [layers.dense({ units: 10, inputShape: [1] })] });
    const article = tf.sequential({ layers: [layers.dense({ units: 10, inputShape: [8] })] });
    article.compile({ optimizer: "adam", loss: "binaryCrossentropy" });
    const run = (to: tf.LayersModel, options = {}, targets = y) =>
      seed.distill(teacher, to, x, targets, { onWarning, ...options });
    await expect(run(loose)).rejects.toThrow("student: wanted a compiled model, got one that is not");
    await expect(run(article)).rejects.toThrow(
      "student: wanted an input of [1] as the teacher gives out, got [8]",
    );
    await expect(run(student, { rounds: 0 })).rejects.toThrow("rounds: wanted an integer >= 1, got 0");
    await expect(run(student, {}, y.subarray(1))).rejects.toThrow(
      "y: wanted whole samples of [10], got 399 numbers",
    );
    await expect(run({} as never)).rejects.toThrow(TypeError);
    loose.dispose();
    article.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

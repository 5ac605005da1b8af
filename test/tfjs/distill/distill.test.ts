/** The whole of it: logits that are caught, teachers remembered or run again, students made, nothing left behind. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { compress, type Ranges } from "../../../src/index.js";
import { openHead } from "../../../src/tfjs/distill/head.js";
import {
  accuracyOf,
  attentionTransfer,
  type DistillOptions,
  decoupled,
  distill,
  fineTune,
  hint,
  type LossTerm,
  modelArtifacts,
  predictAll,
  quantizedPredict,
  relational,
  type StepPart,
  softTargets,
} from "../../../src/tfjs.js";
import { backends, countZeros, noise, randomize, useBackend, valuesOf } from "../support.js";
import { differences, divergenceOf, expectNear, mean, rowsOf, softmax, sum } from "./support.js";

const { layers } = tf;
const COUNT = 50;
const x = noise(COUNT * 6, 5);
const labels = Int32Array.from({ length: COUNT }, (_, i) => (x[i * 6] > 0 ? 1 : x[i * 6 + 1] > 0 ? 2 : 0));
const loss = "sparseCategoricalCrossentropy";

function dense(
  units: number,
  name: string,
  activation: "tanh" | "softmax" | "sigmoid" | "linear",
  seed: number,
) {
  return layers.dense({
    units,
    name,
    activation,
    kernelInitializer: tf.initializers.glorotNormal({ seed }),
    ...(name === "hidden" && { inputShape: [6] }),
  });
}

const classifier = (hidden: number, seed: number, end: "softmax" | "sigmoid" | "linear" = "softmax") =>
  tf.sequential({ layers: [dense(hidden, "hidden", "tanh", seed), dense(3, "out", end, seed + 1)] });

describe.each(backends)("distill on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  const basics = { data: { x, y: labels }, epochs: 2, batchSize: 16, loss, seed: 3 } as const;
  const weightsOf = (model: tf.LayersModel) => Object.values(valuesOf(model));

  test("one step is the gradient of (1 - alpha) labels + alpha T^2 KL, by differences", async () => {
    const teacher = classifier(8, 1);
    randomize(teacher, 20);
    const student = classifier(4, 7);
    const [kernel, bias, kernel2, bias2] = weightsOf(student).map((values) => Array.from(values));
    const shown = rowsOf(logitsBy(weightsOf(teacher)), 3);
    const [alpha, temperature] = [0.6, 3];
    const plain = (w: number[]) => {
      const own = rowsOf(logitsBy([w, bias, kernel2, bias2]), 3);
      const soft = (row: number[]) => softmax(row.map((value) => value / temperature));
      const labelled = own.map((row, i) => -Math.log(softmax(row)[labels[i]]));
      const taught = own.map((row, i) => divergenceOf(soft(shown[i]), soft(row)));
      return (1 - alpha) * mean(labelled) + alpha * temperature ** 2 * mean(taught);
    };
    const optimizer = tf.train.sgd(1);
    const options = { ...basics, teacher, student, optimizer, epochs: 1, batchSize: COUNT };
    const { epochs } = await distill({ ...options, losses: [softTargets({ alpha, temperature })] });
    expectNear([epochs[0].loss], [plain(kernel)]);
    const moved = weightsOf(student)[0].map((value, i) => kernel[i] - value);
    expectNear(moved, differences(plain, kernel), 5e-4);
    optimizer.dispose();
  });

  /** x through tanh and a last dense layer, in plain loops. */
  function logitsBy([w, b, w2, b2]: readonly ArrayLike<number>[]): number[] {
    return rowsOf(x, 6).flatMap((row) => {
      const hidden = Array.from(b, (bias, h) =>
        Math.tanh(bias + sum(row.map((v, i) => v * w[i * b.length + h]))),
      );
      return Array.from(b2, (bias, k) => bias + sum(hidden.map((v, h) => v * w2[h * b2.length + k])));
    });
  }

  test.each<[string, Partial<DistillOptions>]>([
    ["soft targets", { losses: [softTargets()] }],
    ["decoupled", { losses: [decoupled()] }],
    [
      "hint and soft targets",
      { losses: [hint({ teacherLayer: "hidden", studentLayer: "hidden" }), softTargets()] },
    ],
    ["relational", { losses: [relational()] }],
    ["a pruned student", { prune: { sparsity: 0.5, include: "hidden" } }],
  ])("remembered teachers give the bits of teachers that run again: %s", async (_, options) => {
    const teachers = [classifier(9, 1), { model: classifier(9, 2), weight: 3 }];
    const run = async (more: Partial<DistillOptions>) => {
      const student = classifier(4, 7);
      const { cachedBytes } = await distill({ ...basics, teacher: teachers, student, ...options, ...more });
      return { weights: weightsOf(student), cachedBytes };
    };
    const [kept, again] = [await run({}), await run({ cacheBytes: 0 })];
    expect(kept.cachedBytes).toBeGreaterThanOrEqual(COUNT * 2 * 3 * 4);
    expect(again.cachedBytes).toBe(0);
    expect(kept.weights).toEqual(again.weights);
    expect(kept.weights).not.toEqual(weightsOf(classifier(4, 7)));
    if (options.prune) expect(countZeros(kept.weights[0])).toBe(12);
    // What is augmented has to be shown to the teachers as it is: nothing of it is remembered.
    const same = await run({ augment: () => {} });
    expect(same.cachedBytes).toBe(0);
    expect(same.weights).toEqual(kept.weights);
  });

  test("a teacher is asked about the augmented batch", async () => {
    const teacher = classifier(5, 1);
    const student = classifier(4, 2);
    const { epochs } = await distill({
      ...basics,
      teacher,
      student,
      batchSize: COUNT,
      epochs: 1,
      optimizer: tf.train.sgd(1e-9),
      losses: [softTargets({ alpha: 1, temperature: 1 })],
      augment: (values) => void values.fill(0.25),
    });
    const at = new Float32Array(6).fill(0.25);
    const [p, q] = [teacher, student].map((model) => Array.from(predictAll(model, at).data));
    expectNear([epochs[0].loss], [divergenceOf(p, q)], 1e-3);
  });

  test("one of several teachers with all the weight is that teacher alone", async () => {
    const run = async (teacher: DistillOptions["teacher"]) => {
      const student = classifier(4, 7);
      await distill({ ...basics, teacher, student, epochs: 1, losses: [softTargets({ temperature: 2 })] });
      return weightsOf(student).flatMap((values) => Array.from(values));
    };
    const [one, other] = [classifier(5, 1), classifier(5, 2)];
    const alone = await run(one);
    expectNear(
      await run([
        { model: one, weight: 1e6 },
        { model: other, weight: 1e-6 },
      ]),
      alone,
      1e-3,
    );
    const both = await run([one, other]);
    expect(Math.max(...both.map((value, i) => Math.abs(value - alone[i])))).toBeGreaterThan(1e-4);
  });

  test("without labels it learns from the teacher alone, and comes to agree with it", async () => {
    const teacher = classifier(8, 1);
    await fineTune(teacher, { x, y: labels }, { epochs: 60, loss, learningRate: 0.02 });
    const student = classifier(6, 9);
    const options = { teacher, student, data: { x }, epochs: 120, learningRate: 0.02, batchSize: 25 };
    const { epochs } = await distill(options);
    expect(epochs[119].loss).toBeLessThan(epochs[0].loss / 10);
    const answers = rowsOf(predictAll(teacher, x).data, 3).map((row) => row.indexOf(Math.max(...row)));
    expect(accuracyOf(student, x, answers)).toBeGreaterThanOrEqual(0.94);
  });

  test("models that give out logits say which kind; sigmoid ends are found, nested ones too", async () => {
    const [teacher, student] = [classifier(5, 1, "linear"), classifier(4, 2, "linear")];
    const data = { x };
    const failing = distill({ ...basics, data, teacher, student });
    await expect(failing).rejects.toThrow(
      "kind: wanted softmax or sigmoid, or models that end in one of them",
    );
    const probabilities = classifier(4, 2);
    const soft = softTargets({ kind: "softmax" });
    await distill({ ...basics, data, teacher, student, losses: [soft] });
    await distill({
      ...basics,
      data,
      teacher: withWeights(classifier(5, 1), teacher),
      student: probabilities,
      losses: [soft],
    });
    expectNear(flat(student), flat(probabilities), 1e-3);

    const yesNo = tf.sequential({ layers: [classifier(4, 3, "sigmoid")] });
    const { epochs } = await distill({
      ...basics,
      data,
      teacher: classifier(6, 5, "sigmoid"),
      student: yesNo,
      epochs: 30,
    });
    expect(epochs[29].loss).toBeLessThan(epochs[0].loss);
  });

  const flat = (model: tf.LayersModel) => weightsOf(model).flatMap((values) => Array.from(values));

  function withWeights(model: tf.LayersModel, from: tf.LayersModel): tf.LayersModel {
    tf.tidy(() => model.setWeights(from.getWeights().map((weight) => tf.clone(weight))));
    return model;
  }

  test.each(["softmax", "sigmoid"] as const)("logits of a %s that is 1 in f32", (kind) => {
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 2, inputShape: [2], kernelInitializer: "identity", name: "in" }),
        layers.activation({ activation: kind }),
      ],
    });
    const head = openHead(model);
    const values = [60, -60, 0, 25, -25, 1];
    const logits = tf.tidy(() => {
      const at = tf.tensor2d(values, [3, 2]);
      const output = head.during(() => model.apply(at) as tf.Tensor);
      expect(output.dataSync()[0]).toBe(1);
      return Array.from(head.logits(output).dataSync());
    });
    expect(head.kind).toBe(kind);
    expect(logits).toEqual(values);
    head.dispose();
    expect(Object.hasOwn((model.layers[1] as unknown as { activation: object }).activation, "apply")).toBe(
      false,
    );
  });

  test("a Softmax layer has no activation to watch: logits up to a number, from its output", () => {
    const model = tf.sequential({ layers: [layers.softmax({ axis: 1, inputShape: [3] })] });
    const head = openHead(model);
    const logits = tf.tidy(() => {
      const output = model.apply(tf.tensor2d([1, 4, -70], [1, 3])) as tf.Tensor;
      return Array.from(head.logits(output).dataSync());
    });
    expect(head.kind).toBe("softmax");
    expectNear(
      logits.map((value) => value - logits[0]),
      [0, 3, -71],
      1e-5,
    );
  });

  test("a wrapper that runs its layer once a step: the same, and several steps in the means", async () => {
    const net = (units: number, seed: number) => {
      const inner = layers.dense({
        units: 2,
        activation: "softmax",
        kernelInitializer: tf.initializers.glorotNormal({ seed }),
      });
      const first = layers.simpleRNN({
        units,
        returnSequences: true,
        inputShape: [3, 2],
        kernelInitializer: tf.initializers.glorotNormal({ seed }),
        recurrentInitializer: tf.initializers.glorotNormal({ seed }),
      });
      return tf.sequential({ layers: [first, layers.timeDistributed({ layer: inner })] });
    };
    const [teacher, student] = [net(5, 1), net(3, 2)];
    const [p, q] = [teacher, student].map((model) => rowsOf(predictAll(model, x).data, 2));
    const optimizer = tf.train.sgd(1e-9);
    const options = { teacher, student, optimizer, data: { x }, epochs: 1, batchSize: COUNT };
    const { epochs } = await distill({ ...options, losses: [softTargets({ temperature: 1, alpha: 1 })] });
    expectNear([epochs[0].loss], [mean(p.map((row, i) => divergenceOf(row, q[i])))], 1e-3);
  });

  test("leaves no tensor behind: done, remembered or not, refused, cancelled, failed", async () => {
    const teacher = classifier(6, 1);
    const student = classifier(4, 2);
    const losses = [softTargets(), hint({ teacherLayer: "hidden", studentLayer: "hidden" }), relational()];
    await distill({ ...basics, teacher, student, losses }); // tfjs makes a few constants of its own, once
    const before = tf.memory().numTensors;
    await distill({ ...basics, teacher, student, losses });
    await distill({ ...basics, teacher, student, losses, cacheBytes: 0 });
    expect(tf.memory().numTensors).toBe(before);

    const copy = await distill({ ...basics, teacher, student: { width: 0.5, seed: 4 } });
    expect(copy.student.layers.map(({ outputShape }) => outputShape[1])).toEqual([3, 3]);
    copy.student.dispose();
    expect(tf.memory().numTensors).toBe(before);

    const refused: [Partial<DistillOptions>, string][] = [
      [{ student: teacher }, "student: wanted another model than the teacher"],
      [{ teacher: [] }, "teacher: wanted one or more, got none"],
      [{ teacher: [{ model: teacher, weight: 0 }] }, "weight: wanted a finite number > 0, got 0"],
      [{ losses: [] }, "losses: wanted one or more, got none"],
      [{ cacheBytes: -1 }, "cacheBytes: wanted a finite number >= 0, got -1"],
      [{ student: { width: 2 } }, "width: wanted a share in (0, 1], got 2"],
      [
        { losses: [hint({ teacherLayer: "z", studentLayer: "hidden" })] },
        "teacherLayer: wanted the name of a layer",
      ],
      [
        { losses: [hint({ teacherLayer: "hidden", studentLayer: "hidden", teacher: 1 })] },
        "teacher: wanted an integer in [0, 1), got 1",
      ],
      [
        { losses: [...losses, softTargets({ kind: "sigmoid" })] },
        "kind: wanted softmax as the teacher ends in",
      ],
      [{ data: { x: x.subarray(1), y: labels } }, "x: wanted whole samples of [6]"],
      [{ student: { width: 0.5 }, epochs: 0 }, "epochs: wanted an integer >= 1, got 0"],
      [{ losses: ["softTargets"] as never }, 'losses: wanted softTargets() and its like, got "softTargets"'],
      [{ teacher: undefined as never }, "teacher: wanted a tf.LayersModel, got undefined"],
      [{ temperature: 3 } as never, "fineTune: wanted one of the options epochs, "],
    ];
    for (const [options, message] of refused) {
      await expect(distill({ ...basics, teacher, student, ...options })).rejects.toThrow(message);
      expect(tf.memory().numTensors, message).toBe(before);
    }
    const logits = classifier(4, 5, "linear");
    await expect(distill({ ...basics, teacher, student: logits })).rejects.toThrow(
      `student: wanted softmax or sigmoid at its end, of whose probabilities ${loss} is`,
    );
    logits.dispose();
    const other = tf.sequential({
      layers: [layers.dense({ units: 3, inputShape: [5], activation: "softmax" })],
    });
    await expect(distill({ ...basics, teacher, student: other })).rejects.toThrow(
      "student: wanted inputs of [6] as the first teacher has, got [5]",
    );
    other.dispose();

    const reason = new Error("enough");
    const controller = new AbortController();
    const run = distill({
      ...basics,
      teacher,
      student: { width: 0.5 },
      losses,
      epochs: 1000,
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(run).rejects.toBe(reason);
    const early = distill({ ...basics, teacher, student, signal: AbortSignal.abort(reason) });
    await expect(early).rejects.toBe(reason);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("prune, cluster and quantize together: zeros, shared values, ranges, what the runtime makes of it", async () => {
    const student = classifier(8, 2);
    const teacher = classifier(9, 1);
    const result = await distill({
      ...basics,
      teacher,
      student,
      losses: [softTargets(), hint({ teacherLayer: "hidden", studentLayer: "hidden" })],
      epochs: 10,
      prune: { sparsity: 0.5, include: "hidden", end: 10 },
      cluster: { clusters: 4 },
      quantize: { delay: 12 },
    });
    expect(result.sparsity).toBe(0.5);
    const [kernel] = weightsOf(student);
    expect(countZeros(kernel)).toBe(24);
    expect(new Set(kernel).size).toBeLessThanOrEqual(5);
    const { createModel } = await compress(await modelArtifacts(student), {
      ranges: result.ranges as Ranges,
    });
    const rounded = await quantizedPredict(student, result.ranges as Ranges, x);
    const model = createModel();
    expectNear(Object.values(model.run(x))[0], rounded.data, 1e-3);
    model.dispose();
  });

  test("a run that is broken off goes on from its checkpoint to the same bits, the projector's too", async () => {
    const teacher = classifier(9, 1);
    const losses = [hint({ teacherLayer: "hidden", studentLayer: "hidden" }), softTargets()];
    const run = async (more: Partial<DistillOptions>) => {
      const student = classifier(4, 7);
      await distill({ ...basics, teacher, student, losses, epochs: 4, ...more });
      return weightsOf(student);
    };
    const whole = await run({});
    let bytes: Uint8Array | undefined;
    const store = {
      load: async () => bytes,
      save: async (saved: Uint8Array) => {
        bytes = saved.slice();
      },
    };
    const controller = new AbortController();
    const broken = run({
      checkpoint: { store },
      signal: controller.signal,
      onProgress: ({ epoch }) => epoch === 2 && controller.abort(new Error("enough")),
    });
    await expect(broken).rejects.toThrow("enough");
    expect(bytes).toBeDefined();
    expect(await run({ checkpoint: { store } })).toEqual(whole);
  });

  test("parts and terms of the caller take part", async () => {
    const calls: string[] = [];
    const part: StepPart = {
      name: "own",
      after: (step) => calls.push(`after ${step}`),
      dispose: () => calls.push("part"),
    };
    const term: LossTerm = { name: "own", of: () => tf.scalar(2), dispose: () => calls.push("term") };
    const options = {
      ...basics,
      teacher: classifier(5, 1),
      student: classifier(4, 2),
      batchSize: COUNT,
      epochs: 1,
    };
    const { epochs } = await distill({ ...options, parts: [part], terms: [term] });
    expect(calls.sort()).toEqual(["after 0", "part", "term"]);
    calls.length = 0;
    await expect(distill({ ...options, losses: [], parts: [part], terms: [term] })).rejects.toThrow(
      RangeError,
    );
    expect(calls.sort()).toEqual(["part", "term"]);
    const without = await distill({ ...options, student: classifier(4, 2) });
    expect(epochs[0].loss).toBeCloseTo(without.epochs[0].loss + 2, 5);
  });
});

describe("convolutions on cpu", () => {
  beforeAll(() => useBackend("cpu"));

  test("attention and a hint by a 1x1 convolution, between nets of other widths", async () => {
    const net = (filters: number, seed: number) =>
      tf.sequential({
        layers: [
          layers.conv2d({
            filters,
            kernelSize: 3,
            inputShape: [6, 6, 1],
            activation: "relu",
            name: "conv",
            kernelInitializer: tf.initializers.heNormal({ seed }),
          }),
          layers.flatten(),
          layers.dense({
            units: 2,
            activation: "softmax",
            kernelInitializer: tf.initializers.glorotNormal({ seed }),
          }),
        ],
      });
    const pictures = noise(20 * 36, 3);
    const pair = { teacherLayer: "conv", studentLayer: "conv" };
    const options = {
      teacher: net(6, 1),
      data: { x: pictures },
      epochs: 12,
      batchSize: 10,
      learningRate: 0.01,
    };
    for (const one of [hint(pair), attentionTransfer({ pairs: [pair] })]) {
      const { epochs } = await distill({ ...options, student: net(3, 2), losses: [one] });
      expect(epochs[11].loss).toBeLessThan(epochs[0].loss * 0.7);
    }
  });
});

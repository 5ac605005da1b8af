import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { type FineTuneOptions, fineTune, type LossName } from "../../src/tfjs.js";
import { useBackend } from "./support.js";

const { layers } = tf;

beforeAll(() => useBackend("cpu"));

/** Gives out 1 at first, so that no loss divides by 0. */
const dense = (activation?: "linear" | "relu" | "softmax" | "sigmoid") =>
  layers.dense({
    ...{ units: 3, name: "end", kernelInitializer: "zeros", biasInitializer: "ones" },
    ...(activation && { activation }),
  });

function net(...ends: tf.layers.Layer[]): tf.Sequential {
  const first = layers.dense({ units: 2, inputShape: [2] });
  return tf.sequential({ layers: [first, ...ends] });
}

async function warningsOf(
  model: tf.LayersModel,
  loss: LossName | FineTuneOptions["loss"],
  more: Partial<FineTuneOptions> = {},
): Promise<string[]> {
  const said: string[] = [];
  const isClasses = loss === "sparseCategoricalCrossentropy";
  const y = isClasses ? Int32Array.of(0, 2, 1) : Float32Array.of(1, 0, 0, 0, 0, 1, 0, 1, 0);
  const data = { x: Float32Array.of(1, 2, 3, 4, 5, 6), y };
  await fineTune(model, data, {
    epochs: 1,
    onWarning: (text) => said.push(text),
    ...(loss && { loss }),
    ...more,
  });
  return said;
}

describe("a cross-entropy of logits", () => {
  test.each<[string, () => tf.LayersModel, LossName]>([
    ["a dense layer without an activation", () => net(dense()), "sparseCategoricalCrossentropy"],
    ["relu", () => net(dense("relu")), "categoricalCrossentropy"],
    [
      "behind a flatten",
      () => net(dense(), layers.reshape({ targetShape: [1, 3] }), layers.flatten()),
      "binaryCrossentropy",
    ],
    ["a nested model", () => net(net(dense()) as unknown as tf.layers.Layer), "categoricalCrossentropy"],
    [
      "an activation that does nothing",
      () => net(dense(), layers.activation({ activation: "linear" })),
      "categoricalCrossentropy",
    ],
  ])("is said of %s", async (_, make, loss) => {
    const model = make();
    const [said, ...more] = await warningsOf(model, loss);
    expect(more).toEqual([]);
    expect(said).toMatch(
      /^loss: a cross-entropy wants probabilities, but end, .* has the activation (linear|relu)/,
    );
    expect(said).toContain(loss === "binaryCrossentropy" ? '"sigmoid", or' : '"softmax", or');
    // Once a model.
    expect(await warningsOf(model, loss)).toEqual([]);
  });

  test("the loss of one's own that it names learns from logits", async () => {
    const own: FineTuneOptions["loss"] = (y, logits) => tf.losses.softmaxCrossEntropy(y, logits as tf.Tensor);
    expect(await warningsOf(net(dense()), own)).toEqual([]);
  });

  test.each<[string, () => tf.LayersModel, LossName]>([
    ["softmax", () => net(dense("softmax")), "sparseCategoricalCrossentropy"],
    ["sigmoid", () => net(dense("sigmoid")), "binaryCrossentropy"],
    ["a Softmax layer", () => net(dense(), layers.softmax()), "sparseCategoricalCrossentropy"],
    [
      "an Activation",
      () => net(dense(), layers.activation({ activation: "softmax" })),
      "categoricalCrossentropy",
    ],
    [
      "a softmax behind a reshape",
      () => net(dense("softmax"), layers.reshape({ targetShape: [3] })),
      "categoricalCrossentropy",
    ],
    ["a regression", () => net(dense()), "meanSquaredError"],
  ])("is not said of %s", async (_, make, loss) => {
    expect(await warningsOf(make(), loss)).toEqual([]);
  });

  test("console.warn hears of it unless something else does", async () => {
    const before = console.warn;
    const said: unknown[] = [];
    console.warn = (text) => said.push(text);
    try {
      const data = { x: Float32Array.of(1, 2), y: Int32Array.of(1) };
      await fineTune(net(dense()), data, { epochs: 1, loss: "sparseCategoricalCrossentropy" });
    } finally {
      console.warn = before;
    }
    expect(said.filter((text) => String(text).startsWith("loss: "))).toHaveLength(1);
  });
});

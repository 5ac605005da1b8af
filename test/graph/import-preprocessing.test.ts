/** Layers before the net proper: as tfjs computes them, or as Keras does where tfjs has none. */

import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel, type ModelArtifacts, simplify, UnsupportedError } from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { expectClose, noise } from "./helpers.js";

beforeAll(() => tf.setBackend("cpu"));

type Json = Record<string, unknown>;

/** A Sequential of one layer. */
function modelOf(
  className: string,
  shape: readonly number[],
  config: Json,
  weights: Json = {},
): ModelArtifacts {
  const arrays = Object.entries(weights) as [string, number[]][];
  const layer = {
    class_name: className,
    config: { ...config, name: "l", batch_input_shape: [null, ...shape] },
  };
  return {
    modelTopology: { class_name: "Sequential", config: { layers: [layer] } },
    weightSpecs: arrays.map(([name, { length }]) => ({
      name: `l/${name}`,
      shape: [length],
      dtype: "float32",
    })),
    weightData: new Uint8Array(Float32Array.from(arrays.flatMap(([, data]) => data)).buffer),
  };
}

function run(model: ModelArtifacts, x: ArrayLike<number>): readonly number[] {
  const raw = importModel(model);
  const graph = simplify(raw);
  const [before, after] = [raw, graph].map((each) => evaluate(each, { l_input: x })[each.outputs[0].name]);
  expectClose(after, before, 1e-5);
  return after;
}

const sizes = fc.record({
  h: fc.integer({ min: 1, max: 9 }),
  w: fc.integer({ min: 1, max: 9 }),
  height: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 9 }),
});

describe("sizes of images are tfjs'", () => {
  test("Resizing", () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom("nearest", "bilinear"), ({ h, w, height, width }, interpolation) => {
        const x = noise(h * w * 2 * 2);
        const layer = (tf.layers as unknown as { resizing(args: Json): tf.layers.Layer }).resizing({
          height,
          width,
          interpolation,
        });
        const wanted = layer.call(tf.tensor(x, [2, h, w, 2]), {}) as tf.Tensor;
        expectClose(
          run(modelOf("Resizing", [h, w, 2], layer.getConfig() as Json), x),
          wanted.dataSync(),
          1e-5,
        );
      }),
      { numRuns: 60 },
    );
  });

  test("CenterCrop", () => {
    fc.assert(
      fc.property(sizes, ({ h, w, height, width }) => {
        const x = noise(h * w * 2 * 2);
        const layer = (tf.layers as unknown as { centerCrop(args: Json): tf.layers.Layer }).centerCrop({
          height,
          width,
        });
        const wanted = layer.call(tf.tensor(x, [2, h, w, 2]), {}) as tf.Tensor;
        expectClose(run(modelOf("CenterCrop", [h, w, 2], { height, width }), x), wanted.dataSync(), 1e-5);
      }),
      { numRuns: 100 },
    );
  });

  test("with channels first", () => {
    const x = noise(2 * 5 * 4);
    const cropped = run(
      modelOf("CenterCrop", [2, 5, 4], { height: 3, width: 2, data_format: "channels_first" }),
      x,
    );
    const wanted = tf.slice(tf.tensor(x, [2, 5, 4]), [0, 1, 1], [2, 3, 2]);
    expectClose(cropped, wanted.dataSync(), 0);
  });
});

describe("CategoryEncoding is tfjs'", () => {
  test.each(["oneHot", "multiHot", "count"])("%s", (outputMode) => {
    const layer = (
      tf.layers as unknown as { categoryEncoding(args: Json): tf.layers.Layer }
    ).categoryEncoding({
      numTokens: 5,
      outputMode,
    });
    const length = outputMode === "oneHot" ? 1 : 3;
    const x = Float32Array.of(4, 0, 0, 2, 2, 1).slice(0, 2 * length);
    const wanted = layer.call(tf.tensor(x, [2, length], "int32"), {}) as tf.Tensor;
    expect(run(modelOf("CategoryEncoding", [length], layer.getConfig() as Json), x)).toEqual([
      ...wanted.dataSync(),
    ]);
  });

  test("other modes are refused", () => {
    const model = modelOf("CategoryEncoding", [3], { num_tokens: 5, output_mode: "tf_idf" });
    expect(() => importModel(model)).toThrow(UnsupportedError);
  });
});

describe("Normalization is Keras'", () => {
  const x = noise(2 * 3 * 2, 3);
  const mean = [0.5, -2];
  const variance = [4, 0];
  /** Over a last axis of 2. */
  const wanted = (invert: boolean) =>
    [...x].map((value, i) => {
      const deviation = Math.max(Math.sqrt(variance[i % 2]), 1e-7);
      return invert ? value * deviation + mean[i % 2] : (value - mean[i % 2]) / deviation;
    });

  test.each([false, true])("its numbers in the config, inverse: %s", (invert) => {
    expectClose(
      run(modelOf("Normalization", [3, 2], { axis: -1, mean: [mean], variance, invert }), x),
      wanted(invert),
      1e-5,
    );
  });

  test("its numbers among the weights", () => {
    const config = { axis: [-1], mean: null, variance: null };
    const model = modelOf("Normalization", [3, 2], config, { mean, variance, count: [7] });
    expectClose(run(model, x), wanted(false), 1e-5);
    expect(importModel(model).unused).toEqual(["l/count"]);
  });

  test("one for all, and along another axis", () => {
    const scalar = run(modelOf("Normalization", [3, 2], { axis: null, mean: 1, variance: 4 }), x);
    expectClose(
      scalar,
      [...x].map((value) => (value - 1) / 2),
      1e-6,
    );
    const rows = run(modelOf("Normalization", [3, 2], { axis: 1, mean: [1, 2, 3], variance: [1, 4, 9] }), x);
    expectClose(
      rows,
      [...x].map((value, i) => {
        const row = Math.floor(i / 2) % 3;
        return (value - row - 1) / (row + 1);
      }),
      1e-6,
    );
  });

  test("as many as there are places, or it is refused", () => {
    const model = modelOf("Normalization", [3, 2], { axis: -1, mean: [1, 2, 3], variance: [1, 2, 3] });
    expect(() => importModel(model)).toThrow("layer l: wanted 2 means and variances, got 3");
  });
});

test("what augments does nothing, what cuts at inference too is refused", () => {
  const x = noise(8);
  const classes = [
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomContrast",
    "RandomWidth",
    "RandomErasing",
  ];
  const others = [
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "SpatialDropout2D",
    "ActivityRegularization",
  ];
  for (const className of [...classes, ...others]) {
    const graph = importModel(modelOf(className, [2, 2, 2], { factor: 0.5, rate: 0.5, stddev: 1 }));
    expect(graph.nodes).toEqual([]);
    expect(evaluate(graph, { l_input: x })[graph.outputs[0].name]).toEqual([...x]);
  }
  expect(() => importModel(modelOf("RandomCrop", [2, 2, 2], { height: 1, width: 1 }))).toThrow(
    UnsupportedError,
  );
});

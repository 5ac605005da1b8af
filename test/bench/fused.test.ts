import * as tf from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { buildFused } from "../../bench/fused.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

test("a convolution with a residual is refused: no op of tfjs adds one", () => {
  const attrs = { strides: [1, 1], dilations: [1, 1], padding: [0, 0, 0, 0] };
  const graph = graphOf({
    inputs: [{ name: "x", shape: [null, 4, 4, 2] }],
    nodes: [node("c", "conv2d", ["x", "x"], { attrs, weights: { kernel: "k" } })],
    weights: { k: f32([1, 1, 2, 2], noise(4)) },
  });
  const before = tf.memory().numTensors;
  expect(() => buildFused(tf, graph)).toThrow(new RangeError("fused: no residual in c: wanted an add"));
  expect(tf.memory().numTensors).toBe(before);
});

import { expect, test } from "vitest";
import { type KernelNode, kernelNodes } from "../../src/compress/index.js";
import { inputOfKernel, roundingError } from "../../src/compress/rounding-error.js";
import { createRandom } from "../../src/data/index.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

const [inputs, outputs, channels] = [12, 8, 4];
const kernel = noise(inputs * outputs, 3);
const graph = graphOf({
  inputs: [{ name: "x", shape: [null, inputs] }],
  nodes: [node("d", "dense", "x", { weights: { kernel: "k" } })],
  weights: { k: f32([inputs, outputs], kernel) },
});
const [layer] = kernelNodes(graph) as readonly [KernelNode];

/** Squared error of a sample's sums when all is rounded, with inputs whose channels reach as far as these. */
function measured(ranges: Float64Array, factors: Float64Array): number {
  const random = createRandom(7);
  const step = Math.max(...ranges.map((range, c) => range / factors[c])) / 127;
  const weights = Float64Array.from(
    kernel,
    (value, i) => value * factors[inputOfKernel(layer)(i) % channels],
  );
  const steps = Float64Array.from({ length: outputs }, (_, o) => {
    return Math.max(...weights.filter((_, i) => i % outputs === o).map(Math.abs)) / 127;
  });
  const samples = 4000;
  let error = 0;
  for (let n = 0; n < samples; n++) {
    const x = Float64Array.from({ length: inputs }, (_, i) => {
      return Math.max(random.normal(0, ranges[i % channels] / 4), 0) / factors[i % channels];
    });
    for (let o = 0; o < outputs; o++) {
      let off = 0;
      for (let i = 0; i < inputs; i++) {
        const weight = weights[i * outputs + o];
        off += Math.round(x[i] / step) * step * Math.round(weight / steps[o]) * steps[o] - x[i] * weight;
      }
      error += off ** 2 / samples;
    }
  }
  return error;
}

test.each([
  ["alike", [1, 1.2, 0.9, 1.1], [1, 1.1, 0.95, 1.05]],
  ["apart", [1, 0.1, 4, 0.02], [2, 0.6, 4, 0.3]],
  ["the wrong way", [1, 0.5, 2, 0.7], [1, 2, 0.6, 3]],
])("what is left of the error is foretold: channels %s", (_what, ranges, factors) => {
  const [r, f, none] = [ranges, factors, [1, 1, 1, 1]].map((numbers) => Float64Array.from(numbers));
  const share = (error: (factors: Float64Array) => number) => error(f) / error(none);
  const got = share((each) => roundingError(layer, kernel, r, each));
  const wanted = share((each) => measured(r, each));
  expect(got / wanted).toBeGreaterThan(0.5);
  expect(got / wanted).toBeLessThan(2);
});

/** Values rounded to codes: the runtime's own codes, and gradients by hand. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { paramsOf, quantizeLayer } from "../../../src/compress/index.js";
import type { QuantParams } from "../../../src/graph/index.js";
import { runtimeSet } from "../../../src/kernels/runtime-set.js";
import { fakeQuantize } from "../../../src/tfjs/qat/fake-quantize.js";
import { roundLayer } from "../../../src/tfjs/qat/kernels.js";
import { coveredBy } from "../../../src/tfjs/qat/ranges.js";
import { openEngine } from "../../../src/wasm/index.js";
import { expectClose } from "../../graph/helpers.js";
import { backends, noise, useBackend } from "../support.js";

const parameters: readonly QuantParams[] = [
  { scale: Math.fround(1 / 127), zero: 0 },
  { scale: Math.fround(0.037), zero: 41 },
  { scale: 0.25, zero: 127 },
];

/** What the runtime makes of real numbers: to u7 and back. */
function byRuntime(x: Float32Array, { scale, zero }: QuantParams): Float32Array {
  const { heap, kernels } = openEngine(runtimeSet);
  return heap.run((alloc) => {
    // The kernels write whole vectors.
    const [q, from, to] = [x.length + 15, x.length * 4 + 60, x.length * 4 + 12].map(alloc);
    heap.f32(from, x.length).set(x);
    kernels.f32_u7_quantize(q, from, x.length, Math.fround(1 / scale), zero);
    kernels.u7_f32_dequantize(to, q, x.length, scale, zero);
    return heap.f32(to, x.length).slice();
  });
}

describe.each(backends)("fakeQuantize on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(parameters)("is what the runtime makes of a value, bit for bit: %o", (params) => {
    const { scale, zero } = params;
    // Halves of steps too, where rounding must be to even, and numbers beyond both ends.
    const x = Float32Array.from({ length: 700 }, (_, i) => (i / 2 - 175) * scale);
    x.set(noise(200, 4).map((value) => value * 60 * scale));
    const got = tf.tidy(() => fakeQuantize(tf.tensor(x), params).dataSync().slice());
    const wanted = byRuntime(x, params);
    expect(got.map((value) => value + 0)).toEqual(wanted.map((value) => value + 0));
    expect(Math.max(...wanted)).toBe(Math.fround((127 - zero) * scale));
  });

  test("passes gradients on but for what is cut off, and tells that of the scale", () => {
    const params = { scale: 0.5, zero: 20 };
    // Cut off below, rounded up, rounded down, a code, cut off above.
    const x = Float32Array.of(-11, -0.9, 0.6, 2, 60);
    const dy = Float32Array.of(1, 2, 3, 4, 5);
    const before = tf.memory().numTensors;
    let told: tf.Tensor | undefined;
    const gradient = tf.tidy(() => {
      const weighted = (value: tf.Tensor) => {
        const rounded = fakeQuantize(value, params, (scale) => {
          told = tf.keep(scale);
        });
        return tf.sum(tf.mul(rounded, tf.tensor(dy))) as tf.Scalar;
      };
      return tf.grad(weighted)(tf.tensor(x)).dataSync().slice();
    });
    expect([...gradient]).toEqual([0, 2, 3, 4, 0]);
    // Esser et al., 2020, equation 3; times s ln 2, for the logarithm.
    const slopes = [-20, -2 + 1.8, 1 - 1.2, 0, 107];
    const wanted = slopes.reduce((sum, slope, i) => sum + slope * dy[i], 0) * 0.5 * Math.LN2;
    expect(told?.dataSync()[0]).toBeCloseTo(wanted, 3);
    told?.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test("a range that codes cover gives their parameters again", () => {
  for (let zero = 0; zero <= 127; zero++) {
    for (const scale of [Math.fround(0.1), Math.fround(1e-3 / 3), 2 ** -9]) {
      const { min, max } = coveredBy({ scale, zero });
      expect(paramsOf({ low: min, high: max })).toEqual({ scale, zero });
    }
  }
});

describe("roundLayer", () => {
  const [inputs, channels] = [30, 8];
  const input = { scale: Math.fround(0.02), zero: 9 };

  function nodeOf(data: Float32Array, bias: Float32Array) {
    return {
      node: { name: "a", op: "dense", inputs: ["x"], weights: {}, attrs: {} },
      kernel: { dtype: "f32" as const, shape: [inputs, channels], data },
      bias: { dtype: "f32" as const, shape: [channels], data: bias },
      form: { taps: 1, inputs, outputs: channels },
      depth: inputs,
      onlyF32: undefined,
      channels,
    };
  }

  test("kernel and bias are compress' codes times its scales, zeros and a channel of zeros too", () => {
    const kernel = noise(inputs * channels, 7).map((value, i) =>
      i % 3 === 0 || i % channels === 5 ? 0 : value,
    );
    const bias = noise(channels, 8);
    const { kernel: wanted, bias: sums } = quantizeLayer(nodeOf(kernel, bias), input);
    const got = roundLayer("a", { kernel, bias, norm: undefined }, channels, input);
    expect(got.kernel.map((value) => value + 0)).toEqual(
      Float32Array.from(wanted.data, (code, i) => code * wanted.scale[i % channels]),
    );
    for (let c = 0; c < channels; c++) {
      const sum = wanted.data.reduce((all, code, i) => (i % channels === c ? all + code : all), 0);
      const real = ((sums?.data[c] ?? 0) + input.zero * sum) * input.scale * wanted.scale[c];
      expect(bias[c] + (got.shift as Float32Array)[c]).toBeCloseTo(real, 6);
    }
  });

  test("a normalization behind it changes the kernel's scales and none of its codes", () => {
    const kernel = noise(inputs * channels, 9);
    const bias = noise(channels, 10);
    const norm = { scale: noise(channels, 11).map((value) => value * 3), offset: noise(channels, 12) };
    norm.scale[2] = 0;
    const folded = kernel.map((value, i) => value * norm.scale[i % channels]);
    const foldedBias = norm.offset.map((value, c) => bias[c] * norm.scale[c] + value);
    const { kernel: wanted } = quantizeLayer(nodeOf(folded, foldedBias), input);
    const got = roundLayer("a", { kernel, bias, norm }, channels, input);
    const real = Float32Array.from(wanted.data, (code, i) => code * wanted.scale[i % channels]);
    expectClose(
      got.kernel.map((value, i) => value * norm.scale[i % channels]),
      real,
      1e-6,
    );
  });

  test("a bias too large for the scale of its channel widens it, as compress does", () => {
    const kernel = noise(inputs * channels, 13).map((value) => value * 1e-6);
    const bias = new Float32Array(channels).fill(2000);
    const { kernel: wanted } = quantizeLayer(nodeOf(kernel, bias), input);
    const got = roundLayer("a", { kernel, bias, norm: undefined }, channels, input);
    expect(got.kernel.map((value) => value + 0)).toEqual(
      Float32Array.from(wanted.data, (code, i) => code * wanted.scale[i % channels]),
    );
    expect(Math.max(...wanted.data)).toBeLessThan(127);
  });

  test("names the layer whose weights are not finite", () => {
    const kernel = noise(inputs * channels, 14);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      kernel[3] = value;
      expect(() => roundLayer("a", { kernel, bias: undefined, norm: undefined }, channels, input)).toThrow(
        "quantize: wanted finite weights in a",
      );
    }
  });
});

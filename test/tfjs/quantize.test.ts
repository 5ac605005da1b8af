/** quantizeModel against the plain formula, on tfjs models. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { type QuantizeOptions, quantizeModel } from "../../src/tfjs.js";
import { backends, mixedModel, predict, predictAnew, useBackend, valuesOf } from "./support.js";

const halfEven = (x: number) => {
  const floor = Math.floor(x);
  const above = x - floor;
  if (above !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
};
const f = Math.fround;

describe.each(backends)("quantizeModel on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test("by default: kernels to s8, a scale for each output channel, half to even", () => {
    const model = mixedModel();
    predict(model);
    const before = valuesOf(model);
    const numTensors = tf.memory().numTensors;
    const { weights } = quantizeModel(model, { codes: true });
    expect(tf.memory().numTensors).toBe(numTensors);
    const after = valuesOf(model);
    const channels: Record<string, [number, (i: number) => number]> = {
      "conv/kernel": [8, (i) => i % 8],
      "depthwise/depthwise_kernel": [8, (i) => i % 8],
      "transposed/kernel": [4, (i) => Math.floor(i / 8)],
      "inner/kernel": [12, (i) => i % 12],
      "outer/kernel": [3, (i) => i % 3],
    };
    expect(weights.map(({ name }) => name)).toEqual(Object.keys(channels));
    for (const { name, scale, codes, maxError, saturated, nan } of weights) {
      const [count, channelOf] = channels[name];
      const largest = new Float32Array(count);
      before[name].forEach((value, i) => {
        largest[channelOf(i)] = Math.max(largest[channelOf(i)], Math.abs(value));
      });
      expect(scale).toEqual(largest.map((value) => value / 127));
      const wanted = Array.from(before[name], (value, i) => halfEven(value / scale[channelOf(i)]));
      expect(Array.from(codes ?? [])).toEqual(wanted.map((code) => (code === 0 ? 0 : code)));
      expect(codes).toBeInstanceOf(Int8Array);
      expect(after[name]).toEqual(Float32Array.from(wanted, (code, i) => code * scale[channelOf(i)] + 0));
      expect([saturated, nan]).toEqual([0, 0]);
      expect(maxError).toBeGreaterThan(0);
      expect(maxError).toBeLessThanOrEqual(Math.max(...scale) * 0.5001);
    }
    for (const [name, values] of Object.entries(before)) {
      if (!channels[name]) expect(after[name]).toEqual(values);
    }
    expect(predict(model)).toEqual(predictAnew(mixedModel, model));
  });

  test("a second time changes nothing", () => {
    const model = mixedModel();
    quantizeModel(model);
    const once = valuesOf(model);
    expect(quantizeModel(model).weights.map(({ maxError }) => maxError)).toEqual([0, 0, 0, 0, 0]);
    expect(valuesOf(model)).toEqual(once);
  });

  const roundings = { floor: Math.floor, trunc: Math.trunc, halfEven };
  test.each(Object.keys(roundings) as (keyof typeof roundings)[])(
    "one divisor, %s, every output",
    (rounding) => {
      for (const output of ["s8", "i16", "i32"] as const) {
        const model = mixedModel();
        const before = valuesOf(model)["inner/kernel"];
        const options: QuantizeOptions = { include: "inner", divisor: 0.004, rounding, output, codes: true };
        const [{ codes, scale, saturated }] = quantizeModel(model, options).weights;
        const limit = { s8: 127, i16: 32767, i32: 2 ** 31 - 1 }[output];
        const exact = Array.from(before, (value) => roundings[rounding](value / f(0.004)) + 0);
        const wanted = exact.map((code) => Math.min(Math.max(code, -limit), limit));
        expect(Array.from(codes ?? [])).toEqual(wanted);
        expect([...scale]).toEqual([f(0.004)]);
        expect(saturated).toBe(exact.filter((code) => Math.abs(code) > limit).length);
        expect(saturated > 0).toBe(output === "s8");
        expect(valuesOf(model)["inner/kernel"]).toEqual(Float32Array.from(wanted, (code) => code * f(0.004)));
      }
    },
  );

  test("for the whole tensor; zeros and a channel of zeros stay; NaN is counted", () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], useBias: false })] });
    const set = (values: number[]) => tf.tidy(() => model.setWeights([tf.tensor2d(values, [3, 2])]));
    set([1, 0, -0.5, 0, 0, 0]);
    const [entry] = quantizeModel(model, { granularity: "tensor", codes: true }).weights;
    expect(entry).toMatchObject({
      zerosBefore: 4,
      zerosAfter: 4,
      total: 6,
      codes: Int8Array.of(127, 0, -64, 0, 0, 0),
    });
    expect(entry.scale).toEqual(Float32Array.of(1 / 127));
    set([1, 0, -0.5, 0, Number.NaN, 0]);
    const [second] = quantizeModel(model, { divisor: 0.5 }).weights;
    expect(second).toMatchObject({ nan: 1, zerosAfter: 4, maxError: 0 });
    expect(second).not.toHaveProperty("codes");
    set([1, 0, -0.5, 0, 0, 0]);
    expect(quantizeModel(model).weights[0].scale).toEqual(Float32Array.of(1 / 127, 1));
  });

  test.each<[QuantizeOptions, string]>([
    [{ divisor: 0 }, "divisor: wanted a finite number > 0, got 0"],
    [{ divisor: 1e-60 }, "divisor: wanted a finite number > 0, got 1e-60"],
    [{ divisor: Number.NaN }, "divisor: wanted a finite number > 0, got NaN"],
    [{ output: "i32" }, "divisor: wanted one with output i32, got none"],
    [{ output: "s4" as "s8" }, "output: wanted one of s8, i16, i32, got s4"],
    [{ rounding: "up" as "floor" }, "rounding: wanted one of halfEven, floor, trunc, got up"],
    [{ granularity: "channel", divisor: 1 }, "divisor: wanted granularity tensor with it, got channel"],
    [{ include: "nowhere" }, "include: no weight is meant by nowhere"],
  ])("refuses %o", (options, message) => {
    const model = mixedModel();
    const before = valuesOf(model);
    expect(() => quantizeModel(model, options)).toThrow(message);
    expect(valuesOf(model)).toEqual(before);
  });
});

/** A model that rounds in tfjs predicts what the runtime predicts: ranges and codes are the same, layer by layer. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { compress, type Ranges } from "../../../src/index.js";
import { quantizing } from "../../../src/tfjs/qat/quantizing.js";
import { modelArtifacts, quantizedPredict } from "../../../src/tfjs.js";
import { backends, noise, useBackend } from "../support.js";
import { nets, pictures } from "./nets.js";

const { layers } = tf;
const COUNT = 60;
const { x } = pictures(COUNT);

/** Biases and normalizations that say something; kernels stay as they began. */
function enliven(model: tf.LayersModel): void {
  tf.tidy(() => {
    model.weights.forEach((weight, i) => {
      const role = weight.originalName.split("/").at(-1) as string;
      const values = tf.tensor(
        noise(tf.util.sizeFromShape(weight.shape as number[]), 30 + i),
        weight.shape as number[],
      );
      if (role === "moving_variance" || role === "gamma") weight.write(tf.add(tf.abs(values), 0.3));
      else if (role === "beta" || role === "moving_mean" || role === "bias")
        weight.write(tf.mul(values, 0.3));
    });
  });
}

/** The ranges that training would begin with. */
async function firstRanges(model: tf.LayersModel, samples = x): Promise<Ranges> {
  const part = await quantizing(model, samples, true, 10);
  part.before?.(0);
  part.dispose?.();
  return part.ranges();
}

async function runtimeOutputs(model: tf.LayersModel, ranges: Ranges, samples = x): Promise<Float32Array> {
  const compressed = await compress(await modelArtifacts(model), { ranges });
  const runner = compressed.createModel();
  const [output] = Object.values(runner.run(samples));
  const copy = output.slice();
  runner.dispose();
  return copy;
}

function plainOutputs(model: tf.LayersModel): Float32Array {
  return tf.tidy(() => {
    const samples = tf.tensor(x, [COUNT, ...(model.inputs[0].shape.slice(1) as number[])]);
    return (model.predict(samples) as tf.Tensor).dataSync().slice() as Float32Array;
  });
}

/** Outputs further apart than f32 rounding: a code fell on the other side of a half. */
function count(got: Float32Array, wanted: Float32Array) {
  const apart = got.filter((value, i) => Math.abs(value - wanted[i]) > 2e-6);
  const worst = got.reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i])), 0);
  return { apart: apart.length, worst };
}

describe.each(backends)("on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(Object.entries(nets))("%s", async (_name, make) => {
    const model = make();
    enliven(model);
    const before = tf.memory().numTensors;
    const plain = plainOutputs(model);
    const ranges = await firstRanges(model);
    const { data } = await quantizedPredict(model, ranges, x, { batchSize: 25 });
    expect(tf.memory().numTensors).toBe(before);
    const { apart, worst } = count(data, await runtimeOutputs(model, ranges));
    const rounding = count(data, plain);
    // The rounding that both do alike is much more than what they differ by.
    expect(rounding.apart).toBeGreaterThan(data.length * 0.9);
    expect(worst).toBeLessThan(rounding.worst);
    expect(apart).toBeLessThanOrEqual(data.length / 20);
    // It left no trace.
    expect(plainOutputs(model)).toEqual(plain);
    model.dispose();
  });

  test("the first ranges are those of compress' own calibration, and compress takes ranges as they are", async () => {
    const model = tf.sequential({
      layers: [
        layers.dense({ units: 12, inputShape: [64], activation: "relu", name: "a" }),
        layers.dense({ units: 8, activation: "tanh", name: "b" }),
        layers.dense({ units: 3, activation: "softmax", name: "c" }),
      ],
    });
    enliven(model);
    const ranges = await firstRanges(model);
    expect(Object.keys(ranges).sort()).toEqual(["a", "a_input", "b", "b/product"]);
    const artifacts = await modelArtifacts(model);
    const calibrated = await compress(artifacts, {
      calibration: x,
      equalization: false,
      biasCorrection: false,
      fidelity: "off",
    });
    const given = await compress(artifacts, { ranges });
    for (const [value, { scale, zero }] of calibrated.graph.quant) {
      const own = given.graph.quant.get(value);
      expect(own?.zero).toBe(zero);
      expect(own?.scale).toBeCloseTo(scale, 6);
      // Codes reach from one end of the range to the other.
      expect(ranges[value].max).toBeCloseTo((127 - zero) * scale, 5);
    }
    const tables = [calibrated, given].map(
      ({ graph }) => graph.nodes.find(({ name }) => name === "b")?.attrs,
    );
    expect(tables[1]?.preZero).toBe(tables[0]?.preZero);
    expect(tables[1]?.preScale).toBeCloseTo(tables[0]?.preScale as number, 6);
    expect(given.provenance.recipe).toEqual({ precision: "int8", activations: "given" });
    model.dispose();
  });
});

describe("what cannot be", () => {
  // Of a seed: the layer in f32 sums in another order here and there, and of some weights a code is in the middle.
  const separable = () => {
    const drawn = (seed: number) => tf.initializers.glorotUniform({ seed });
    return tf.sequential({
      layers: [
        layers.separableConv2d({
          inputShape: [8, 8, 1],
          filters: 4,
          kernelSize: 3,
          depthwiseInitializer: drawn(1),
          pointwiseInitializer: drawn(2),
          name: "sep",
        }),
        layers.flatten(),
        layers.dense({ units: 3, kernelInitializer: drawn(3), name: "last" }),
      ],
    });
  };

  test("a value in codes inside of a layer, unless its kernels stay f32", async () => {
    const model = separable();
    await expect(firstRanges(model)).rejects.toThrow(
      /quantize: wanted layers that show .* got none for sep\/depthwise/,
    );
    const keepF32 = ["sep", "sep/depthwise"];
    const part = await quantizing(model, x, { keepF32 }, 10);
    part.before?.(0);
    const ranges = part.ranges();
    expect(Object.keys(ranges)).toHaveLength(1);
    const { data } = await quantizedPredict(model, ranges, x, { keepF32 });
    const compressed = await compress(await modelArtifacts(model), { ranges, keepF32 });
    const runner = compressed.createModel();
    expect(count(data, Object.values(runner.run(x))[0]).apart).toBe(0);
    runner.dispose();
    model.dispose();
  });

  test("a normalization that is folded into the kernel behind it", async () => {
    const model = tf.sequential({
      layers: [
        layers.batchNormalization({ inputShape: [64], name: "n" }),
        layers.dense({ units: 3, name: "last" }),
      ],
    });
    await expect(firstRanges(model)).rejects.toThrow(
      "quantize: last: wanted nothing but a batch normalization behind it",
    );
    model.dispose();
  });

  test("ranges that are missing, are none, or come with calibration", async () => {
    const model = nets["convolutions, pools, dropout"]();
    const ranges = await firstRanges(model);
    const artifacts = await modelArtifacts(model);
    const { c1: _, ...rest } = ranges;
    await expect(compress(artifacts, { ranges: rest })).rejects.toThrow(
      "ranges: wanted one of value c1, got none",
    );
    await expect(quantizedPredict(model, rest, x)).rejects.toThrow(
      "ranges: wanted one of value c1, got none",
    );
    const wrong = { ...ranges, c2: { min: 1, max: Number.NaN } };
    await expect(compress(artifacts, { ranges: wrong })).rejects.toThrow(
      "ranges: c2: wanted finite min <= max, got 1 and NaN",
    );
    await expect(compress(artifacts, { ranges, calibration: x })).rejects.toThrow(
      "ranges: wanted no calibration",
    );
    await expect(compress(artifacts, { ranges: 3 as never })).rejects.toThrow(
      "ranges: wanted ranges by name of value, got number",
    );
    model.dispose();
  });
});

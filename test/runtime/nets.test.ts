/** Nets of many kinds, made by tfjs with random weights: through compress(), file and runtime, against tfjs itself. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { compress } from "../../src/compress.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { load } from "../../src/runtime/index.js";
import { artifactsOf, noise, randomize } from "../graph/helpers.js";
import { variantsHere } from "../kernels/variants.js";

const { layers } = tf;
type Value = tf.SymbolicTensor;
const apply = (layer: tf.layers.Layer, ...x: Value[]) => layer.apply(x.length > 1 ? x : x[0]) as Value;

function block(
  x: Value,
  filters: number,
  kernelSize: number,
  strides: number,
  name: "relu" | "relu6" | "none",
) {
  const y = apply(
    layers.batchNormalization({}),
    apply(layers.conv2d({ filters, kernelSize, strides, padding: "same", useBias: false }), x),
  );
  if (name === "none") return y;
  return apply(layers.reLU(name === "relu6" ? { maxValue: 6 } : {}), y);
}

function depthwise(x: Value, strides: number): Value {
  const y = apply(layers.depthwiseConv2d({ kernelSize: 3, strides, padding: "same", useBias: false }), x);
  return apply(layers.reLU({ maxValue: 6 }), apply(layers.batchNormalization({}), y));
}

const picture = (size: number, channels: number) => tf.input({ shape: [size, size, channels] });
const classes = (x: Value, units: number) =>
  apply(layers.dense({ units, activation: "softmax" }), apply(layers.globalAveragePooling2d({}), x));

interface Net {
  readonly build: () => tf.LayersModel;
  /** Relative RMS error that int8 may have: of weights that nobody trained. */
  readonly bound: number;
  readonly input?: (x: number) => number;
}

const nets: Readonly<Record<string, Net>> = {
  "a residual net": {
    bound: 0.1,
    build() {
      const input = picture(17, 3);
      let x = block(input, 8, 3, 1, "relu");
      for (const [filters, strides] of [
        [8, 1],
        [12, 2],
      ]) {
        const inner = block(block(x, filters, 3, strides, "relu"), filters, 3, 1, "none");
        const beside = strides === 1 ? x : block(x, filters, 1, strides, "none");
        x = apply(layers.reLU({}), apply(layers.add(), beside, inner));
      }
      return tf.model({ inputs: input, outputs: classes(x, 5) });
    },
  },
  "a MobileNet V1": {
    bound: 0.15,
    build() {
      const input = picture(33, 3);
      let x = block(input, 8, 3, 2, "relu6");
      for (const [filters, strides] of [
        [16, 1],
        [20, 2],
        [24, 1],
      ]) {
        const padded =
          strides === 2
            ? apply(
                layers.zeroPadding2d({
                  padding: [
                    [0, 1],
                    [0, 1],
                  ],
                }),
                x,
              )
            : x;
        const deep = layers.depthwiseConv2d({
          kernelSize: 3,
          strides,
          padding: strides === 2 ? "valid" : "same",
          useBias: false,
        });
        const y = apply(layers.batchNormalization({}), apply(deep, padded));
        x = block(apply(layers.reLU({ maxValue: 6 }), y), filters, 1, 1, "relu6");
      }
      return tf.model({ inputs: input, outputs: classes(x, 7) });
    },
  },
  "a MobileNet V2": {
    bound: 0.15,
    build() {
      const input = picture(24, 3);
      let x = block(input, 8, 3, 2, "relu6");
      x = block(depthwise(block(x, 24, 1, 1, "relu6"), 2), 12, 1, 1, "none");
      const inner = block(depthwise(block(x, 48, 1, 1, "relu6"), 1), 12, 1, 1, "none");
      x = apply(layers.add(), x, inner);
      return tf.model({ inputs: input, outputs: classes(x, 6) });
    },
  },
  "a U-Net": {
    bound: 0.1,
    build() {
      const input = picture(16, 2);
      const a = block(input, 8, 3, 1, "relu");
      const b = block(apply(layers.maxPooling2d({ poolSize: 2 }), a), 16, 3, 1, "relu");
      const c = block(apply(layers.averagePooling2d({ poolSize: 2 }), b), 24, 3, 1, "relu");
      const up = (x: Value, filters: number, size: number) =>
        apply(
          layers.conv2dTranspose({
            filters,
            kernelSize: size,
            strides: 2,
            padding: "same",
            activation: "relu",
          }),
          x,
        );
      const d = block(apply(layers.concatenate(), up(c, 16, 2), b), 16, 3, 1, "relu");
      const e = block(apply(layers.concatenate(), up(d, 8, 3), a), 8, 3, 1, "relu");
      const mask = apply(layers.conv2d({ filters: 1, kernelSize: 1, activation: "sigmoid" }), e);
      return tf.model({ inputs: input, outputs: mask });
    },
  },
  "a decoder with upsampling, two heads": {
    bound: 0.1,
    build() {
      const input = picture(8, 5);
      const a = block(
        apply(layers.upSampling2d({ size: [2, 2] }), block(input, 12, 3, 1, "relu")),
        8,
        3,
        1,
        "relu",
      );
      const cut = apply(
        layers.cropping2D({
          cropping: [
            [1, 2],
            [0, 3],
          ],
        }),
        a,
      );
      const heat = apply(
        layers.conv2d({ filters: 3, kernelSize: 3, padding: "same", activation: "tanh" }),
        cut,
      );
      const boxes = apply(layers.flatten(), apply(layers.conv2d({ filters: 2, kernelSize: 1 }), cut));
      return tf.model({ inputs: input, outputs: [heat, boxes] });
    },
  },
  "squeeze and excitation, swish": {
    bound: 0.15,
    build() {
      const input = picture(12, 4);
      const a = apply(layers.activation({ activation: "swish" }), block(input, 16, 3, 1, "none"));
      const s = apply(
        layers.dense({ units: 16, activation: "sigmoid" }),
        apply(layers.dense({ units: 4, activation: "relu" }), apply(layers.globalAveragePooling2d({}), a)),
      );
      const scaled = apply(layers.multiply(), a, apply(layers.reshape({ targetShape: [1, 1, 16] }), s));
      return tf.model({ inputs: input, outputs: classes(block(scaled, 8, 1, 1, "relu"), 4) });
    },
  },
  "a stack of LSTMs": {
    bound: 0.1,
    build: () =>
      tf.sequential({
        layers: [
          layers.lstm({ units: 9, returnSequences: true, inputShape: [11, 5] }),
          layers.lstm({ units: 7 }),
          layers.dense({ units: 3 }),
        ],
      }),
  },
  "words to a bidirectional GRU": {
    bound: 0.1,
    input: (x) => Math.floor(((x + 1) / 2) * 20),
    build: () =>
      tf.sequential({
        layers: [
          layers.embedding({ inputDim: 20, outputDim: 6, inputShape: [9] }),
          layers.bidirectional({ layer: layers.gru({ units: 5 }) as tf.RNN, mergeMode: "concat" }),
          layers.dense({ units: 4, activation: "relu" }),
          layers.dense({ units: 2, activation: "softmax" }),
        ],
      }),
  },
  "a convolution of time": {
    bound: 0.1,
    build: () =>
      tf.sequential({
        layers: [
          layers.conv1d({
            filters: 8,
            kernelSize: 5,
            padding: "same",
            activation: "relu",
            inputShape: [40, 3],
          }),
          layers.maxPooling1d({ poolSize: 2 }),
          layers.conv1d({ filters: 6, kernelSize: 3, strides: 2, padding: "same", activation: "elu" }),
          layers.globalMaxPooling1d(),
          layers.dense({ units: 3 }),
        ],
      }),
  },
  "an autoencoder": {
    bound: 0.1,
    build: () =>
      tf.sequential({
        layers: [
          layers.dense({ units: 24, activation: "relu", inputShape: [40] }),
          layers.batchNormalization({}),
          layers.dense({ units: 5, activation: "relu" }),
          layers.dense({ units: 24 }),
          layers.leakyReLU({ alpha: 0.1 }),
          layers.dense({ units: 40 }),
        ],
      }),
  },
};

describe.each(Object.entries(nets))("%s", (_name, { build, bound, input = (x) => x }) => {
  beforeAll(() => tf.setBackend("cpu"));

  test("runs as in tfjs in f32, near it in int8, the same bits in every variant", async () => {
    const model = build();
    randomize(model, 11);
    // He's spread: noise of 1 would saturate whatever can be.
    model.setWeights(
      model.getWeights().map((weight, i) => {
        const { name } = model.weights[i];
        const fan = weight.size / (weight.shape.at(-1) ?? 1);
        const isKernel = name.includes("kernel");
        const deep = name.includes("depthwise") ? 9 : fan;
        return isKernel
          ? weight.mul(Math.sqrt(4.5 / deep))
          : name.includes("variance")
            ? weight.add(0.5)
            : weight;
      }),
    );
    const shape = model.inputs[0].shape.slice(1) as number[];
    const size = shape.reduce((product, dim) => product * dim, 1);
    const samples = noise(size * 40, 5).map(input);
    const x = samples.slice(0, size * 3);
    const predicted = [model.predict(tf.tensor(x, [3, ...shape]))].flat();
    const artifacts = await artifactsOf(model);
    const plain = await compress(artifacts, { precision: "f32" });
    const int8 = await compress(artifacts, { calibration: samples });
    for (const [bytes, limit] of [
      [await plain.bytes(), 1e-5],
      [await int8.bytes(), bound],
    ] as const) {
      const results: Float32Array[][] = [];
      for (const variant of variantsHere(runtimeSet)) {
        using loaded = await load(bytes, { variant });
        const outputs = loaded.run(x);
        results.push(model.outputNames.map((name) => outputs[name].slice()));
      }
      for (const result of results) expect(result).toEqual(results[0]);
      for (const [i, tensor] of predicted.entries()) {
        const wanted = tensor.dataSync() as Float32Array;
        let [off, all] = [0, 0];
        wanted.forEach((value, j) => {
          off += (results[0][i][j] - value) ** 2;
          all += value ** 2;
        });
        expect(Math.sqrt(off / all), `output ${i}`).toBeLessThan(limit);
      }
    }
  });
});

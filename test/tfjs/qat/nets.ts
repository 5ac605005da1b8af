/** Small nets of many kinds on pictures of 8 x 8, for tests of quantization-aware training. */

import * as tf from "@tensorflow/tfjs";
import { createRandom } from "../../../src/data/index.js";

const { layers } = tf;
type Value = tf.SymbolicTensor;

export const size = 8;

const start = (seed: number) => tf.initializers.heNormal({ seed });

const conv = (input: Value, name: string, activation: "relu" | "linear", seed: number) =>
  layers
    .conv2d({ filters: 4, kernelSize: 3, padding: "same", activation, name, kernelInitializer: start(seed) })
    .apply(input) as Value;

const normalized = (input: Value, name: string) => layers.batchNormalization({ name }).apply(input) as Value;

const relu = (input: Value, name: string) =>
  layers.activation({ activation: "relu", name }).apply(input) as Value;

function classified(input: Value, features: Value): tf.LayersModel {
  const pooled = layers.globalAveragePooling2d({ name: "mean" } as never).apply(features) as Value;
  const last = layers.dense({ units: 3, activation: "softmax", name: "last", kernelInitializer: start(9) });
  return tf.model({ inputs: input, outputs: last.apply(pooled) as Value });
}

export const nets = {
  "convolutions, pools, dropout": () =>
    tf.sequential({
      layers: [
        layers.conv2d({
          inputShape: [size, size, 1],
          filters: 4,
          kernelSize: 3,
          name: "c1",
          kernelInitializer: start(1),
        }),
        layers.maxPooling2d({ poolSize: 2, name: "p1" }),
        layers.conv2d({
          filters: 6,
          kernelSize: 2,
          activation: "relu",
          name: "c2",
          kernelInitializer: start(2),
        }),
        layers.averagePooling2d({ poolSize: 2, name: "p2" }),
        layers.flatten({ name: "flat" }),
        layers.dropout({ rate: 0.2, name: "drop" }),
        layers.dense({ units: 3, activation: "softmax", name: "last", kernelInitializer: start(3) }),
      ],
    }),
  "depthwise, normalization, relu6, sigmoid": () =>
    tf.sequential({
      layers: [
        layers.conv2d({
          inputShape: [size, size, 1],
          filters: 4,
          kernelSize: 3,
          strides: 2,
          padding: "same",
          useBias: false,
          name: "c",
          kernelInitializer: start(1),
        }),
        layers.batchNormalization({ name: "n1" }),
        layers.activation({ activation: "relu", name: "r1" }),
        layers.depthwiseConv2d({
          kernelSize: 3,
          padding: "same",
          name: "dw",
          depthwiseInitializer: start(2),
        }),
        layers.batchNormalization({ name: "n2" }),
        layers.reLU({ maxValue: 6, name: "r2" }),
        layers.conv2d({ filters: 6, kernelSize: 1, name: "pw", kernelInitializer: start(4) }),
        layers.batchNormalization({ name: "n3" }),
        layers.activation({ activation: "sigmoid", name: "s" }),
        layers.globalAveragePooling2d({ name: "mean" } as never),
        layers.dense({ units: 3, activation: "softmax", name: "last", kernelInitializer: start(3) }),
      ],
    }),
  "a residual sum, a concatenation, a normalization by itself": () => {
    const input = tf.input({ shape: [size, size, 1], name: "x" });
    const first = conv(input, "a", "relu", 1);
    const inner = normalized(conv(first, "b", "linear", 2), "n1");
    const sum = relu(layers.add({ name: "sum" }).apply([first, inner]) as Value, "r");
    const both = layers.concatenate({ name: "both" }).apply([sum, conv(sum, "e", "linear", 3)]) as Value;
    return classified(input, conv(normalized(both, "n2"), "f", "relu", 4));
  },
  "normalization ahead, whose value f32 and codes read": () => {
    const input = tf.input({ shape: [size, size, 1], name: "x" });
    const ahead = relu(normalized(conv(input, "a", "relu", 1), "n1"), "r1");
    const sum = layers.add({ name: "sum" }).apply([ahead, conv(ahead, "b", "linear", 2)]) as Value;
    return classified(input, relu(normalized(sum, "n2"), "r2"));
  },
  "a model within, a transposed convolution, elu": () =>
    tf.sequential({
      layers: [
        layers.conv2d({
          inputShape: [size, size, 1],
          filters: 3,
          kernelSize: 3,
          activation: "elu",
          name: "c",
          kernelInitializer: start(1),
        }),
        tf.sequential({
          name: "inner",
          layers: [
            layers.conv2dTranspose({
              inputShape: [6, 6, 3],
              filters: 5,
              kernelSize: 3,
              strides: 2,
              padding: "same",
              activation: "relu",
              name: "up",
              kernelInitializer: start(1),
            }),
            layers.leakyReLU({ alpha: 0.1, name: "leaky" }),
            layers.maxPooling2d({ poolSize: 2, name: "p" }),
          ],
        }),
        layers.flatten({ name: "flat" }),
        layers.dense({ units: 3, activation: "softmax", name: "last", kernelInitializer: start(3) }),
      ],
    }),
  "convolutions of one dimension": () =>
    tf.sequential({
      layers: [
        layers.reshape({ inputShape: [size, size, 1], targetShape: [size, size], name: "rows" }),
        layers.conv1d({ filters: 6, kernelSize: 3, name: "c1", kernelInitializer: start(1) }),
        layers.activation({ activation: "relu", name: "r1" }),
        layers.conv1d({
          filters: 6,
          kernelSize: 3,
          activation: "relu",
          name: "c2",
          kernelInitializer: start(2),
        }),
        layers.globalAveragePooling1d({ name: "mean" } as never),
        layers.dense({ units: 3, activation: "softmax", name: "last", kernelInitializer: start(3) }),
      ],
    }),
  "a convolution of one dimension, first and between": () =>
    tf.sequential({
      layers: [
        layers.conv1d({
          inputShape: [size, size],
          filters: 6,
          kernelSize: 3,
          padding: "same",
          activation: "relu",
          name: "c1",
          kernelInitializer: start(1),
        }),
        layers.conv1d({ filters: 6, kernelSize: 3, name: "c2", kernelInitializer: start(2) }),
        layers.flatten({ name: "flat" }),
        layers.dense({ units: 3, activation: "softmax", name: "last", kernelInitializer: start(3) }),
      ],
    }),
  "a normalization of features in units of their own": () =>
    tf.sequential({
      layers: [
        layers.flatten({ inputShape: [size, size, 1], name: "flat" }),
        layers.batchNormalization({ name: "n" }),
        layers.dense({ units: 8, activation: "relu", name: "d", kernelInitializer: start(1) }),
        layers.dense({ units: 3, activation: "softmax", name: "last", kernelInitializer: start(3) }),
      ],
    }),
  "a recurrent layer, whose weights are stored in codes": () =>
    tf.sequential({
      layers: [
        layers.reshape({ inputShape: [size, size, 1], targetShape: [size, size], name: "rows" }),
        layers.lstm({ units: 6, name: "lstm", kernelInitializer: start(1), recurrentInitializer: start(7) }),
        layers.dense({ units: 6, activation: "relu", name: "d", kernelInitializer: start(2) }),
        layers.dense({ units: 3, activation: "softmax", name: "last", kernelInitializer: start(3) }),
      ],
    }),
  "a layer that is called twice": () => {
    const input = tf.input({ shape: [size, size, 1], name: "x" });
    const twice = layers.conv2d({
      filters: 4,
      kernelSize: 3,
      padding: "same",
      activation: "relu",
      name: "twice",
      kernelInitializer: start(6),
    });
    return classified(input, twice.apply(twice.apply(conv(input, "a", "relu", 5))) as Value);
  },
} satisfies Record<string, () => tf.LayersModel>;

/** Pictures of three classes: noise with a bright third. */
export function pictures(count: number, seed = 5): { readonly x: Float32Array; readonly y: Int32Array } {
  const random = createRandom(seed);
  const pixels = size * size;
  const third = Math.floor(pixels / 3);
  const y = Int32Array.from({ length: count }, (_, i) => i % 3);
  const x = Float32Array.from({ length: count * pixels }, (_, i) => {
    const isBright = Math.floor((i % pixels) / third) === y[Math.floor(i / pixels)];
    return random.normal(isBright ? 0.5 : 0, 0.5);
  });
  return { x, y };
}

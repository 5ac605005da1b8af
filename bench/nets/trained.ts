/** Nets that are trained in benches and studies, always from the same weights for the same seed. */

import type { LayersModel } from "@tensorflow/tfjs";
import type { Tfjs } from "../tfjs.js";

function starter(tf: Tfjs, seed: number) {
  let layer = 0;
  return () => ({ kernelInitializer: tf.initializers.heNormal({ seed: seed * 100 + layer++ }) });
}

/** Caffe's LeNet-5: 431,080 weights. */
export function lenet5(tf: Tfjs, seed: number): LayersModel {
  const start = starter(tf, seed);
  const { conv2d, maxPooling2d, flatten, dense } = tf.layers;
  return tf.sequential({
    layers: [
      conv2d({ inputShape: [28, 28, 1], filters: 20, kernelSize: 5, name: "conv1", ...start() }),
      maxPooling2d({ poolSize: 2, strides: 2 }),
      conv2d({ filters: 50, kernelSize: 5, name: "conv2", ...start() }),
      maxPooling2d({ poolSize: 2, strides: 2 }),
      flatten(),
      dense({ units: 500, activation: "relu", name: "fc1", ...start() }),
      dense({ units: 10, activation: "softmax", name: "fc2", ...start() }),
    ],
  });
}

/** A multilayer perceptron of 784, 300, 100 and 10 units. */
export function mlp(tf: Tfjs, seed: number): LayersModel {
  const start = starter(tf, seed);
  const { dense } = tf.layers;
  return tf.sequential({
    layers: [
      dense({ inputShape: [784], units: 300, activation: "relu", name: "fc1", ...start() }),
      dense({ units: 100, activation: "relu", name: "fc2", ...start() }),
      dense({ units: 10, activation: "softmax", name: "fc3", ...start() }),
    ],
  });
}

/** Depthwise and pointwise convolutions with batch normalization on 32 x 32 x 3, six strides of blocks. */
export function mobilenetLike(tf: Tfjs, seed: number): LayersModel {
  const start = starter(tf, seed);
  const { layers } = tf;
  const normalized = () => [layers.batchNormalization({}), layers.reLU({ maxValue: 6 })];
  const first = { filters: 16, kernelSize: 3, strides: 2, padding: "same", useBias: false } as const;
  const blocks = [
    { filters: 32, strides: 1 },
    { filters: 64, strides: 2 },
    { filters: 64, strides: 1 },
    { filters: 128, strides: 2 },
    { filters: 128, strides: 1 },
  ];
  return tf.sequential({
    layers: [
      layers.conv2d({ inputShape: [32, 32, 3], ...first, ...start() }),
      ...normalized(),
      ...blocks.flatMap(({ filters, strides }) => [
        layers.depthwiseConv2d({
          kernelSize: 3,
          strides,
          padding: "same",
          useBias: false,
          depthwiseInitializer: start().kernelInitializer,
        }),
        ...normalized(),
        layers.conv2d({ filters, kernelSize: 1, useBias: false, ...start() }),
        ...normalized(),
      ]),
      layers.globalAveragePooling2d({}),
      layers.dense({ units: 10, activation: "softmax", ...start() }),
    ],
  });
}

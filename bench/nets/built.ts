/** Standard topologies with He-normal weights of a seed: speed does not depend on training. */

import type { LayersModel, SymbolicTensor, Tensor } from "@tensorflow/tfjs";
import { createRandom } from "../../src/data/index.js";
import type { Tfjs } from "../tfjs.js";

/** Two hidden layers, as LeCun et al., 1998. */
export function lenet300100(tf: Tfjs): LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 300, activation: "relu", inputShape: [784] }),
      tf.layers.dense({ units: 100, activation: "relu" }),
      tf.layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  return randomized(tf, model);
}

/** The image classification net of MLPerf Tiny: He et al., 2015, three stacks of one block. */
export function resnet8(tf: Tfjs): LayersModel {
  const input = tf.input({ shape: [32, 32, 3] });
  let x = convolution(tf, input, 16, 3, 1, true);
  for (const [filters, strides] of [
    [16, 1],
    [32, 2],
    [64, 2],
  ]) {
    const inner = convolution(tf, x, filters, 3, strides, true);
    const outer = convolution(tf, inner, filters, 3, 1, false);
    const beside = strides === 1 ? x : convolution(tf, x, filters, 1, strides, false);
    x = relu(tf, add(tf, beside, outer));
  }
  const pooled = tf.layers.globalAveragePooling2d({}).apply(x) as SymbolicTensor;
  const output = tf.layers.dense({ units: 10, activation: "softmax" }).apply(pooled) as SymbolicTensor;
  return randomized(tf, tf.model({ inputs: input, outputs: output }));
}

// Expansion, channels, blocks, stride of the first: table 2 of Sandler et al., 2018.
const bottlenecks = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** MobileNetV2 1.0 at 224, 1000 classes. */
export function mobilenetv2(tf: Tfjs): LayersModel {
  const input = tf.input({ shape: [224, 224, 3] });
  let x = convolution(tf, input, 32, 3, 2, 6);
  let channels = 32;
  for (const [expansion, filters, blocks, firstStride] of bottlenecks) {
    for (let block = 0; block < blocks; block++) {
      const strides = block === 0 ? firstStride : 1;
      let inner = expansion === 1 ? x : convolution(tf, x, channels * expansion, 1, 1, 6);
      inner = depthwise(tf, inner, strides);
      inner = convolution(tf, inner, filters, 1, 1, false);
      x = strides === 1 && channels === filters ? add(tf, x, inner) : inner;
      channels = filters;
    }
  }
  x = convolution(tf, x, 1280, 1, 1, 6);
  const pooled = tf.layers.globalAveragePooling2d({}).apply(x) as SymbolicTensor;
  const output = tf.layers.dense({ units: 1000, activation: "softmax" }).apply(pooled) as SymbolicTensor;
  return randomized(tf, tf.model({ inputs: input, outputs: output }));
}

function convolution(
  tf: Tfjs,
  x: SymbolicTensor,
  filters: number,
  kernelSize: number,
  strides: number,
  bounded: boolean | 6,
): SymbolicTensor {
  const layer = tf.layers.conv2d({ filters, kernelSize, strides, padding: "same", useBias: false });
  const y = normalized(tf, layer.apply(x) as SymbolicTensor);
  return bounded ? relu(tf, y, bounded === 6 ? 6 : undefined) : y;
}

function depthwise(tf: Tfjs, x: SymbolicTensor, strides: number): SymbolicTensor {
  const layer = tf.layers.depthwiseConv2d({ kernelSize: 3, strides, padding: "same", useBias: false });
  return relu(tf, normalized(tf, layer.apply(x) as SymbolicTensor), 6);
}

const normalized = (tf: Tfjs, x: SymbolicTensor) =>
  tf.layers.batchNormalization({}).apply(x) as SymbolicTensor;
const relu = (tf: Tfjs, x: SymbolicTensor, maxValue?: number) =>
  tf.layers.reLU(maxValue === undefined ? {} : { maxValue }).apply(x) as SymbolicTensor;
const add = (tf: Tfjs, a: SymbolicTensor, b: SymbolicTensor) =>
  tf.layers.add().apply([a, b]) as SymbolicTensor;

/** Kernels He-normal; batch normalization as it starts, but for offsets that are not all 0. */
function randomized(tf: Tfjs, model: LayersModel): LayersModel {
  const random = createRandom(10);
  const values = model.weights.map(({ name, shape }): Tensor => {
    const size = (shape as number[]).reduce((product, dim) => product * dim, 1);
    const isKernel = name.includes("kernel");
    const isDepthwise = name.includes("depthwise");
    const inputs = isDepthwise ? (shape[0] ?? 1) * (shape[1] ?? 1) : size / (shape.at(-1) ?? 1);
    const fill = () => {
      if (isKernel) return random.normal(0, Math.sqrt((isDepthwise ? 2 : 1.5) / inputs));
      if (name.includes("gamma") || name.includes("variance")) return 1;
      return name.includes("beta") ? random.normal(0, 0.1) : 0;
    };
    return tf.tensor(Float32Array.from({ length: size }, fill), shape as number[]);
  });
  model.setWeights(values);
  tf.dispose(values);
  return model;
}

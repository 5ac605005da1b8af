/** Backends to test on, models to test with. */

import { createRequire } from "node:module";
import { dirname } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { createRandom } from "../../src/data/index.js";

const wasm = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
setWasmPaths(`${dirname(wasm)}/`);

export const backends = ["wasm", "cpu"] as const;

export async function useBackend(name: (typeof backends)[number]): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`backend ${name} did not start`);
}

export function noise(length: number, seed = 1): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length }, () => random.normal(0, 0.5));
}

/** Sets every weight of a model, variances to positive ones, and keeps none of the tensors it made. */
export function randomize(model: tf.LayersModel, seed = 1): void {
  tf.tidy(() => {
    model.setWeights(
      model.weights.map((weight, i) => {
        const shape = weight.shape as number[];
        const values = noise(tf.util.sizeFromShape(shape), seed + i);
        const positive = weight.originalName.endsWith("moving_variance");
        return tf.tensor(positive ? values.map((value) => Math.abs(value) + 0.1) : values, shape);
      }),
    );
  });
}

/** A dense layer that begins with the same weights each time it is made. */
export function seededDense(
  name: string,
  units: number,
  activation: "relu" | "tanh" | "softmax",
  seed: number,
  more: { readonly inputShape?: number[] } = {},
): tf.layers.Layer {
  const kernelInitializer = tf.initializers.glorotUniform({ seed });
  return tf.layers.dense({ name, units, activation, kernelInitializer, ...more });
}

export type Values = Readonly<Record<string, Float32Array>>;

/** A copy of every weight, by name. */
export function valuesOf(model: tf.LayersModel): Values {
  return Object.fromEntries(
    model.weights.map((weight) => [weight.originalName, (weight.read().dataSync() as Float32Array).slice()]),
  );
}

/** A convolutional model with a nested one, a depthwise, a transposed convolution and normalization. */
export function mixedModel(): tf.LayersModel {
  const { layers } = tf;
  const head = tf.sequential({
    name: "head",
    layers: [
      layers.dense({ units: 12, inputShape: [64], activation: "relu", name: "inner" }),
      layers.dense({ units: 3, activation: "softmax", name: "outer" }),
    ],
  });
  const model = tf.sequential({
    layers: [
      layers.conv2d({ filters: 8, kernelSize: 3, inputShape: [6, 6, 4], name: "conv" }),
      layers.batchNormalization({ name: "norm" }),
      layers.depthwiseConv2d({ kernelSize: 3, padding: "same", name: "depthwise" }),
      layers.conv2dTranspose({ filters: 4, kernelSize: 1, name: "transposed" }),
      layers.flatten(),
      head,
    ],
  });
  randomize(model);
  return model;
}

/** A model with weights under random noise and predictions for it, made by tfjs anew from the values. */
export function predict(model: tf.LayersModel, samples = 2): Float32Array {
  return tf.tidy(() => {
    const shape = [samples, ...(model.inputs[0].shape.slice(1) as number[])];
    const x = tf.tensor(noise(tf.util.sizeFromShape(shape), 99), shape);
    return (model.predict(x) as tf.Tensor).dataSync().slice() as Float32Array;
  });
}

/** What a fresh model of the same kind predicts with the same weights: nothing it cached can be stale. */
export function predictAnew(make: () => tf.LayersModel, model: tf.LayersModel): Float32Array {
  const fresh = make();
  tf.tidy(() =>
    fresh.setWeights(model.getWeights().map((tensor) => tf.tensor(tensor.dataSync(), tensor.shape))),
  );
  const predicted = predict(fresh);
  fresh.dispose();
  return predicted;
}

export function countZeros(values: ArrayLike<number>): number {
  return Array.from(values).filter((value) => value === 0).length;
}
